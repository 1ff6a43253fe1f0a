# SPDX-License-Identifier: Apache-2.0
"""Runs on the host: a method call without the name of an interface. bus_bare.py PATH MEMBER"""

import ctypes
import sys

from sdbus import NAME, BusError, bus, lib

error, reply, m = BusError(), ctypes.c_void_p(), ctypes.c_void_p()
path, member = (a.encode() for a in sys.argv[1:])
assert lib.sd_bus_message_new_method_call(bus, ctypes.byref(m), NAME, path, None, member) >= 0
r = lib.sd_bus_call(bus, m, ctypes.c_uint64(30_000_000), ctypes.byref(error), ctypes.byref(reply))
print("allowed" if r >= 0 else error.name.decode())
