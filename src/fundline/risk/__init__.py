"""The science of risk: features, models, the cash-flow simulation. Reads files, never the network or the database."""
