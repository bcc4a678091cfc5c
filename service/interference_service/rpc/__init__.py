"""The service over gRPC: conversion, status, interceptors, servicer and server.

Only this package knows the messages of ``interference.v1``.
"""
