"""Logs and registers models; runs in the environment that has MLflow, and imports nothing of ours.

Takes a list of models from standard input, and writes their versions to standard output.
"""

import json
import sys

import mlflow


def main() -> None:
    given = json.load(sys.stdin)
    client = mlflow.MlflowClient(tracking_uri=given["tracking_uri"])
    versions = [register(client, **model) for model in given["models"]]
    sys.stdout.write(json.dumps(versions))


def register(
    client: mlflow.MlflowClient,
    name: str,
    files: str = "",
    place: str | None = None,
    source: str = "",
    alias: str = "",
    as_logged_model: bool = False,
) -> str:
    """Log the files in an experiment at a place, and register them, or whatever lies at a source."""
    try:
        client.create_registered_model(name)
    except mlflow.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    if source:
        version = client.create_model_version(name, source).version
    else:
        experiment = client.create_experiment(
            f"experiment-{len(client.search_experiments())}", place
        )
        if as_logged_model:
            logged = client.create_logged_model(experiment, name=name)
            client.log_model_artifacts(logged.model_id, files)
            client.finalize_logged_model(logged.model_id, "READY")
            where, more = f"models:/{logged.model_id}", {"model_id": logged.model_id}
        else:
            run = client.create_run(experiment).info
            client.log_artifacts(run.run_id, files, "model")
            where, more = f"{run.artifact_uri}/model", {"run_id": run.run_id}
        version = client.create_model_version(name, where, **more).version
    if alias:
        client.set_registered_model_alias(name, alias, version)
    return str(version)


if __name__ == "__main__":
    main()
