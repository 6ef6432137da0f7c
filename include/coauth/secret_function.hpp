#ifndef COAUTH_SECRET_FUNCTION_HPP
#define COAUTH_SECRET_FUNCTION_HPP

#include <coauth/export.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <functional>
#include <string>

namespace coauth
{

/// Says what a secret is now, or why it cannot be had: a client secret, an assertion that others
/// made, the pass-phrase of a key.
///
/// A client secret or an assertion is asked for before every request, and once more when the server
/// refuses the credentials: if they have changed, the request is made once more with the new ones.
/// Called from the threads that run the executor, one call at a time; it must return soon, so it
/// yields what is at hand, and must not use the client. What it throws is taken for a failure.
using secret_function = std::function<result<secret>()>;

/// The secret is the content of a file, without a line break at its end: for secrets that
/// are mounted and replaced while the program runs. The file is looked at before every request, and
/// read again when it has changed.
[[nodiscard]] COAUTH_DECL secret_function secret_file(std::string path);

} // namespace coauth

#endif
