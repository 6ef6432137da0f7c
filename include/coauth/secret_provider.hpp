#ifndef COAUTH_SECRET_PROVIDER_HPP
#define COAUTH_SECRET_PROVIDER_HPP

#include <coauth/detail/text_argument.hpp>
#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <functional>
#include <string>

namespace coauth
{

/// Returns the current value of a secret, or an error. Used for a client secret, an assertion, and
/// the pass-phrase of a key.
///
/// For a client secret it is called once for each operation, and again if the server rejects the
/// credentials: if the secret has changed, the request is repeated once with the new one. For an
/// assertion, and for a token that a `token_request` presents, it is called before each attempt.
///
/// It must return quickly: it should return a value that is already in memory or on disk. An
/// exception from it is an error of the operation.
///
/// \par Thread safety
/// Called from the thread that starts the operation or from the threads that run the executor, from
/// several of them at once, and under no lock.
using secret_provider = std::function<result<secret>()>;

/// Returns a function that reads a secret of at most 64 KiB from a file. A line break at the end
/// and a byte order mark at the beginning are not part of the secret.
///
/// For secrets that are mounted and replaced while the program runs: each call checks the file, and
/// reads it again if it has changed. The function may be copied, and called from several threads at
/// once.
[[nodiscard]] COAUTH_DECL secret_provider secret_from_file(detail::text_argument path);

} // namespace coauth

#endif
