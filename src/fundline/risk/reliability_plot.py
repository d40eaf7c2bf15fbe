"""Predicted against observed shares of default as a small SVG that is legible on light and on dark pages."""

from collections.abc import Sequence

from fundline.risk.measures import ReliabilityBin

_SIDE, _MARGIN, _MARGIN_AFTER = 360, 46, 20
_STYLE = (
    "text{font:12px sans-serif;fill:#444}.m{text-anchor:middle}.e{text-anchor:end}"
    ".a{stroke:#888}.d{stroke:#888;stroke-dasharray:4 4}"
    ".i{stroke:#1769aa;stroke-width:1.5}.p{fill:#1769aa}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}.i{stroke:#6cb8f0}.p{fill:#6cb8f0}}"
)


def plot(bins: Sequence[ReliabilityBin], version: str) -> str:
    """Points are bins of about equal size with the 95 % interval of what was observed; the diagonal is perfection."""
    most = max(max(b.high, b.mean_probability) for b in bins)
    top = 0.1 * (int(most * 10) + 1)

    def x(share: float) -> float:
        return round(_MARGIN + share / top * (_SIDE - _MARGIN - _MARGIN_AFTER), 1)

    def y(share: float) -> float:
        return round(_SIDE - _MARGIN - share / top * (_SIDE - _MARGIN - _MARGIN_AFTER), 1)

    left, bottom = x(0), y(0)
    parts = [
        f'<line class="a" x1="{left}" y1="{bottom}" x2="{x(top)}" y2="{bottom}"/>',
        f'<line class="a" x1="{left}" y1="{bottom}" x2="{left}" y2="{y(top)}"/>',
        f'<line class="d" x1="{left}" y1="{bottom}" x2="{x(top)}" y2="{y(top)}"/>',
    ]
    for tenth in range(round(top * 10) + 1):
        share, label = tenth / 10, f"{10 * tenth} %"
        parts.append(f'<text class="m" x="{x(share)}" y="{bottom + 16}">{label}</text>')
        parts.append(f'<text class="e" x="{left - 6}" y="{y(share) + 4}">{label}</text>')
    for b in bins:
        place = x(b.mean_probability)
        parts.append(f'<line class="i" x1="{place}" y1="{y(b.low)}" x2="{place}" y2="{y(b.high)}"/>')
        parts.append(f'<circle class="p" cx="{place}" cy="{y(b.bad_rate)}" r="4"/>')
    parts.append(f'<text class="m" x="{x(top / 2)}" y="{_SIDE - 10}">predicted</text>')
    parts.append(f'<text x="{left + 6}" y="{y(top) + 10}">observed</text>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}" width="{_SIDE}" height="{_SIDE}" '
        f'role="img" aria-label="{version}: predicted against observed shares of default">\n'
        f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )
