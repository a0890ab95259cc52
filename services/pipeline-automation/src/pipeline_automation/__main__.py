"""pipeline-automation run [--only api,consume,relay,work] | migrate."""

from runtime.command_line import command_line

from pipeline_automation.bootstrap import SERVICE, build


def main() -> None:
    """Run the command that the arguments name."""
    command_line(SERVICE, build)


if __name__ == "__main__":
    main()
