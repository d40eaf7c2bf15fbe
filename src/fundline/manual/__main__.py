"""`python -m fundline.manual`: rewrites the generated pages; with `--check` it only tells which differ."""

import sys

from fundline.manual.pages import ContractBroken, differing_pages, write_pages


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m fundline.manual [--check]\n")
        return 2
    try:
        differing = differing_pages() if arguments else write_pages()
    except ContractBroken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for page in differing:
        sys.stdout.write(f"{'differs: ' if arguments else 'written: '}{page}\n")
    return 1 if arguments and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
