"""Write all dashboards into a directory."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboard_generator import fleet, monitor, service

if __name__ == "__main__":
    for name, module in (("fleet", fleet), ("monitor", monitor), ("service", service)):
        text = JSONEncoder(sort_keys=True, indent=2).encode(module.dashboard().build())
        (Path(sys.argv[1]) / f"{name}.json").write_text(f"{text}\n", "utf-8")
