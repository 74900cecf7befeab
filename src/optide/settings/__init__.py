"""config.yaml and its kin: reading, schema, names, and the slices that jobs depend on."""
