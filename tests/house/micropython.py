"""What MicroPython 1.28 has of the standard library, as the pages load it; test_micropython_subset.py asks it."""

HAS = {
    module: frozenset(names.split())
    for module, names in {
        "abc": "ABC abstractmethod",
        "array": "array",
        "asyncio": """
            CancelledError Event Future Lock Loop Task TimeoutError create_task current_task gather get_event_loop
            new_event_loop sleep sleep_ms wait_for wait_for_ms
        """,
        "base64": "b64decode b64encode decodebytes encodebytes urlsafe_b64decode urlsafe_b64encode",
        "binascii": "a2b_base64 a2b_hex b2a_base64 b2a_hex crc32 hexlify unhexlify",
        "collections": "OrderedDict defaultdict deque namedtuple",
        "copy": "copy deepcopy",
        "datetime": "date datetime time timedelta timezone tzinfo",
        "errno": "EACCES EEXIST EINVAL EIO EISDIR ENOENT ENOMEM EPERM ETIMEDOUT errorcode",
        "functools": "partial reduce update_wrapper wraps",
        "gc": "collect disable enable isenabled",
        "hashlib": "sha256",
        "heapq": "heapify heappop heappush",
        "html": "escape",
        "inspect": "isclass iscoroutine isfunction isgenerator ismethod ismodule",
        "io": "BytesIO IOBase StringIO open",
        "itertools": "accumulate chain count cycle islice repeat starmap tee",
        "json": "dump dumps load loads",
        "logging": "CRITICAL DEBUG ERROR INFO WARNING Logger basicConfig debug error exception getLogger info warning",
        "math": """
            acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh degrees e erf erfc exp expm1 fabs factorial
            floor fmod frexp gamma inf isclose isfinite isinf isnan ldexp lgamma log log10 log2 modf nan pi pow radians
            sin sinh sqrt tan tanh tau trunc
        """,
        "os": "chdir getcwd listdir mkdir path remove rename rmdir sep stat unlink",
        "pathlib": "Path",
        "platform": "platform",
        "random": "choice getrandbits randint random randrange seed uniform",
        "re": "compile match search sub",
        "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits punctuation whitespace",
        "struct": "calcsize pack pack_into unpack unpack_from",
        "sys": """
            argv byteorder exit implementation maxsize modules path platform stderr stdin stdout version version_info
        """,
        "time": "gmtime localtime mktime sleep strftime time time_ns",
        "types": "FunctionType GeneratorType MappingProxyType MethodType ModuleType SimpleNamespace",
        "weakref": "ref",
        "zlib": "compress decompress",
    }.items()
}

METHODS = """
    casefold expandtabs findall finditer format_map fullmatch groupdict groups isalnum isascii isidentifier isprintable
    istitle ljust maketrans removeprefix removesuffix rjust swapcase title translate zfill
"""
LACKING_METHODS = frozenset(METHODS.split())
"""Of str, and of the patterns and matches of re."""

SPECIAL_METHODS = frozenset(("__init_subclass__", "__class_getitem__"))
"""Which CPython calls, and MicroPython never does."""
