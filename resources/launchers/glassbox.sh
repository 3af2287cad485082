#!/bin/sh
# Starts Glassbox from this checkout, with the newest Python on this computer that is new enough.

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd) || exit 1

for python in python3 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" "$checkout/gui" --from-launcher "$@"
    fi
done

message='Glassbox needs Python 3.11 or newer. Install it (on Debian or Ubuntu: sudo apt install python3 python3-venv) and start again.'
echo "$message" >&2
[ -t 2 ] || zenity --error --title=Glassbox --text="$message" 2>/dev/null ||
    xmessage -center -title Glassbox "$message" 2>/dev/null || notify-send Glassbox "$message" 2>/dev/null
exit 1
