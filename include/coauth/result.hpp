#ifndef COAUTH_RESULT_HPP
#define COAUTH_RESULT_HPP

#include <coauth/error.hpp>
#include <coauth/export.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

namespace coauth
{

/// A `T`, or the `error` that says why there is none.
///
/// `if (r)`, `*r`, `r->...`, `r.error()`. `r.value()` of an error throws a
/// `boost::system::system_error` with the error's code and message. `*r` and `r->...` need a value:
/// without one, they are undefined before Boost 1.91, and throw the same since.
template <class T>
using result = boost::system::result<T, error>;

/// What `result::value()` calls when there is no value, and `*` and `->` since Boost 1.91.
[[noreturn]] COAUTH_DECL void
throw_exception_from_error(error const& e, boost::source_location const& where);

} // namespace coauth

#endif
