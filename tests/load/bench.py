"""`make bench`: prints one JSON object; progress goes to standard error."""

import json
import sys

from fundline.stack.layout import Ports
from fundline.stack.private import private_home
from load import front
from load.site import FRONT, running_site


def main():
    effort = front.Effort.chosen(quick="--quick" in sys.argv)
    with private_home() as home, running_site(home, Ports.free(), FRONT) as site:
        for f in (front.post_saturation, front.get_saturation, front.post_at_rate, front.get_at_rate):
            if (
                len(sys.argv) > 1
                and not any(a in f.__name__ for a in sys.argv[1:] if a[0] != "-")
                and "--quick" not in sys.argv
            ):
                continue
            print(f.__name__, json.dumps(f(site, effort), indent=1), flush=True)


main()
