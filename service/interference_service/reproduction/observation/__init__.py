"""Has networks analysed by a service while they are trained."""
