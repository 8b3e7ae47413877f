/// Signed integers of 128 bits, for sums and products of 64-bit ones that may not overflow on the way. Where the compiler has
/// none, on 32-bit processors, Boost's: slower, the same values.
#pragma once

#ifndef __SIZEOF_INT128__
#include <boost/multiprecision/cpp_int.hpp>
#endif

namespace kilter {

#ifdef __SIZEOF_INT128__
// NOLINTNEXTLINE(modernize-use-using): of an extension there is no other form.
__extension__ typedef __int128 Wide;
#else
using Wide = boost::multiprecision::int128_t;
#endif

}  // namespace kilter
