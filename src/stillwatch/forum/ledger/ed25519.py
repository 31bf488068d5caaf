"""Whether an Ed25519 signature is good (RFC 8032): by libsodium, which takes half the time of OpenSSL, or else by that.

Both demand a canonical S and compare R as bytes, so that they agree on every key that somebody made by the standard.
libsodium, which comes with rbcl, also refuses keys and R of small order, for which a signature binds to no message.
"""

import ctypes
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from stillwatch.errors import MissingExtra

#: Bytes of a public key and of a signature.
PUBLIC: Final = 32
SIGNATURE: Final = 64

Check = Callable[[bytes, bytes, bytes], bool]

# RFC 8032, section 7.1, test 2: what a library has to say of it before it is believed anything else.
_KEY: Final = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
_GOOD: Final = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def good(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether ``signature`` is of ``message`` by the key ``public``; false too for what is no key or no signature.

    Raises:
        MissingExtra: there is no library for it.
    """
    return len(public) == PUBLIC and len(signature) == SIGNATURE and _check()(public, signature, message)


@lru_cache(maxsize=1)
def _check() -> Check:
    return by_sodium() or by_openssl()


def by_sodium() -> Check | None:
    """Libsodium's check; None where there is no rbcl, or not with the library in it that is expected."""
    try:
        import rbcl  # type: ignore[import-untyped]  # noqa: F401 - loads the library
    except ImportError:
        return None
    module: Any = sys.modules.get("rbcl._sodium")
    verify = getattr(getattr(module, "_sodium", None), "crypto_sign_ed25519_verify_detached", None)
    if verify is None:
        return None
    if sys.platform != "win32":  # unpacked at every import and left behind; once loaded it is not needed
        Path(module.lib_path).unlink(missing_ok=True)
    verify.restype = ctypes.c_int
    verify.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulonglong, ctypes.c_char_p)

    def check(public: bytes, signature: bytes, message: bytes) -> bool:
        return bool(verify(signature, message, len(message), public) == 0)

    return check if check(_KEY, _GOOD, b"r") and not check(_KEY, _GOOD, b"s") else None


def by_openssl() -> Check:
    """OpenSSL's check, by ``cryptography``.

    Raises:
        MissingExtra: ``cryptography`` is not installed.
    """
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise MissingExtra("cryptography", "forum") from None
    read = lru_cache(maxsize=4096)(Ed25519PublicKey.from_public_bytes)

    def check(public: bytes, signature: bytes, message: bytes) -> bool:
        with suppress(InvalidSignature, ValueError):
            read(public).verify(signature, message)
            return True
        return False

    return check
