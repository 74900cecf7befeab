"""Completion in a shell, click's, but for two faults of it: a value after "=", and a comma in what fish shows."""

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)


class _Whole(ShellComplete):
    """Offers `--optimizer=adam` for `--optimizer=a`, not `adam`, which would take the place of the whole word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        option, equals, _ = incomplete.rpartition("=")
        items = super().get_completions(args, incomplete)
        if option.startswith("--"):
            for item in items:
                if item.type == "plain":
                    item.value = f"{option}{equals}{item.value}"
        return items


@add_completion_class
class _Bash(_Whole, BashComplete):
    def get_completion_args(self) -> tuple[list[str], str]:
        # "=" is a word of its own to bash
        args, incomplete = super().get_completion_args()
        return [arg for arg in args if arg != "="], incomplete


@add_completion_class
class _Zsh(_Whole, ZshComplete):
    pass


@add_completion_class
class _Fish(_Whole, FishComplete):
    source_template = FishComplete.source_template.replace("string split ", "string split --max 1 ")
