"""A request that is not answered: an HTTP status and one sentence."""

from applied_dl.core.errors import AppliedError


class Refusal(AppliedError):
    """Ends a request with `{"error": sentence}`.

    Args:
        status: of HTTP.
        sentence: for the client.
        headers: of the response besides.
    """

    def __init__(self, status: int, sentence: str, headers: tuple[tuple[bytes, bytes], ...] = ()):
        super().__init__(sentence)
        self.status, self.headers = status, headers


def bad(sentence: str) -> Refusal:
    """400: the request is wrong."""
    return Refusal(400, sentence)
