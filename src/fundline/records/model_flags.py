"""The flags that say which model decides: risk workers read them, the operations API writes them."""

RISK_MODEL = "risk-model"
"""The version that decides about the applicant: split per applicant."""
CHAMPION_FLAG = "risk-model-champion"
CHALLENGER_FLAG = "risk-model-challenger"
SHADOW_FLAG = "risk-model-shadow"
"""`off`, `other` (of champion and challenger the one that does not decide), or a version."""
OFF, OTHER, NONE = "off", "other", "none"
