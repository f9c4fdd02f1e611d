"""Which files no tool opens: keys, passwords, and this program's own data."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePath

_NAMES = (
    *(".env", ".env.*", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".htpasswd"),
    *(".git-credentials", ".npmrc", ".pypirc", ".dockercfg", ".vault-token"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p12", "*.pfx"),
    *("*.kdbx", "*.jks", "*.keystore", "*.ppk", "*.keychain", "*.keychain-db"),
)
_OPEN = (".env.example", ".env.sample", ".env.template", ".env.dist", "*.pub")
_FOLDERS = frozenset(
    (".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", "keyrings")
)
_OWN = frozenset((".local", ".config", ".cache", "application support", "caches", "preferences"))


def is_secret(path: PurePath) -> bool:
    """Whether *path*, absolute and resolved, holds secrets by its name or its folder.

    Names are compared without case: on some systems `.ENV` opens `.env`.
    """
    parts = [part.lower() for part in path.parts]
    if not parts:
        return False
    name = parts[-1]
    if _FOLDERS.intersection(parts):
        return True
    if "flux-tui" in parts and _OWN.intersection(parts[: parts.index("flux-tui")]):
        return True
    if any(fnmatchcase(name, pattern) for pattern in _OPEN):
        return False
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)
