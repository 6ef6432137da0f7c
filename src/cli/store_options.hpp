#ifndef COAUTH_SRC_CLI_STORE_OPTIONS_HPP
#define COAUTH_SRC_CLI_STORE_OPTIONS_HPP

#include <coauth/client.hpp>
#include <coauth/result.hpp>
#include <coauth/secret.hpp>
#include <coauth/shared_tokens.hpp>

#include <optional>
#include <string>

namespace boost::program_options
{
class options_description;
}

namespace coauth::cli
{

// The flags of a shared store as they were typed.
struct store_flags
{
    std::string url;
    std::string key_file;
    std::string password_file;
    std::string ca_file;
};

void add_store_flags(boost::program_options::options_description& group, store_flags& flags);

// A store that the command shares its token with.
struct store_options
{
    std::string url;
    secret keys;
    // Empty: there is no password.
    secret password;
    std::string ca_file;
};

// None: no store is given. Reads the environment and the files, and checks what they contain; opens
// no socket.
[[nodiscard]] result<std::optional<store_options>> read_store_options(store_flags const& flags);

// Shares the client's tokens through the store, which must be destroyed before the client's
// context.
[[nodiscard]] shared_tokens share_tokens(client& tokens, store_options const& options);

} // namespace coauth::cli

#endif
