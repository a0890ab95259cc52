"""What can go wrong while a rule runs."""


class UnrenderableError(Exception):
    """A template that gives no text to send; `code` is one of missing_variable, blank_message, message_too_long,
    template_too_expensive, template_failed.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
