sonde report critical-path --comm sh --from +1ms --to +25ms --json data/kernel
