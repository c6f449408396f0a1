"""`python -m fourdials`: the command line."""

from fourdials.cli import main

if __name__ == "__main__":
    main()
