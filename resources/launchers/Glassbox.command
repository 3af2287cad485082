#!/bin/sh
# Double-click in the macOS Finder; opens a terminal that shows the set-up and any error.
exec "$(dirname -- "$0")/glassbox.sh" "$@"
