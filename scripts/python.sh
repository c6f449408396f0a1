# Sourced by the scripts beside it: sets $python to a Python of 3.11 or newer, or explains what was found and stops.
# A $PYTHON that is already set wins.
found=""
python=""
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] || continue
    version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2> /dev/null) || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
    found="$found $candidate ($version)"
done
if [ -z "$python" ]; then
    echo "four dials: needs Python 3.11 or newer; found:${found:- none}." >&2
    echo "Debian, Ubuntu: sudo apt-get install python3 python3-venv. macOS: brew install python. Or set PYTHON=/path/to/python." >&2
    exit 1
fi
