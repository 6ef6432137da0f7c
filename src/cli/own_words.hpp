#ifndef COAUTH_SRC_CLI_OWN_WORDS_HPP
#define COAUTH_SRC_CLI_OWN_WORDS_HPP

#include <coauth/error.hpp>

namespace coauth::cli
{

// The same error with the command's flags in place of the library's options, which a user of the
// command cannot set.
[[nodiscard]] error in_own_words(error const& failure);

// The same for an error of the store of `coauth token`, whose options other flags set.
[[nodiscard]] error in_words_of_store(error const& failure);

} // namespace coauth::cli

#endif
