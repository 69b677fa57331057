"""Programs that measure; each takes `--quick` and `--json`, names its contenders and what it ran on."""
