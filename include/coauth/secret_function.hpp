#ifndef COAUTH_SECRET_FUNCTION_HPP
#define COAUTH_SECRET_FUNCTION_HPP

#include <coauth/detail/given_text.hpp>
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
/// A client secret is asked for once for each operation, and once more when the server refuses the
/// credentials: if it has changed, the request is made once more with the new one. An assertion,
/// and what a `token_request` presents, is asked for before each attempt.
///
/// Called from the thread that starts the operation, or from those that run the executor, by any
/// number of them at once, and under no lock. It must return soon, so it yields what is at hand.
/// What it throws is taken for a failure.
using secret_function = std::function<result<secret>()>;

/// The secret is the content of a file of at most 64 KiB, without a line break at its end: for
/// secrets that are mounted and replaced while the program runs. The file is looked at whenever the
/// secret is asked for, and read again when it has changed. May be shared and called by several
/// threads.
[[nodiscard]] COAUTH_DECL secret_function secret_file(detail::given_text path);

} // namespace coauth

#endif
