#ifndef COAUTH_RESULT_HPP
#define COAUTH_RESULT_HPP

#include <coauth/error.hpp>
#include <coauth/export.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <version>

#if defined(__cpp_lib_expected)
#include <expected>
#include <type_traits>
#include <utility>
#endif

namespace coauth
{

/// A `T` or an `error`.
///
/// Test it with `if (r)`, and use `*r`, `r->...` or `r.error()`. If there is an error, `r.value()`
/// throws a `boost::system::system_error` with the error's code and message; `*r` and `r->...` are
/// undefined before Boost 1.91 and throw the same exception since.
template <class T>
using result = boost::system::result<T, error>;

/// Throws the `boost::system::system_error` of a `result` that has no value. Boost.System calls it.
[[noreturn]] COAUTH_DECL void
throw_exception_from_error(error const& e, boost::source_location const& where);

#if defined(__cpp_lib_expected)
/// Converts a result to a `std::expected`. Declared only if the standard library has it (C++23).
template <class T>
[[nodiscard]] std::expected<T, error> to_expected(result<T> r)
{
    if (!r)
        return std::unexpected(std::move(r).error());
    if constexpr (std::is_void_v<T>)
        return {};
    else
        return *std::move(r);
}
#endif

} // namespace coauth

#endif
