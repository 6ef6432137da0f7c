#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_ERROR_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_ERROR_HPP

#include <coauth/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coauth::redis
{

// What the client does about an error reply.
enum class error_action
{
    // Nothing: it is the result.
    report,
    // EVAL in place of EVALSHA: the server does not know the script.
    send_script,
    // Plain commands: the server, or the user's ACL, has no scripts.
    use_plain_commands,
    // Another connection: the server is a read-only replica, or has forgotten who the user is.
    replace_connection,
    // Another node of the cluster has the slot.
    follow_moved,
    // Another node of the cluster has the key, for this time.
    follow_ask,
};

error_action action_of(std::string_view text);

// Where a redirection leads: "MOVED 3999 127.0.0.1:6381".
struct redirection
{
    std::uint16_t slot = 0;
    // Without brackets. Empty: the host that sent it.
    std::string host;
    std::uint16_t port = 0;
};
// None: the text is not a redirection.
std::optional<redirection> parse_redirection(std::string_view text);

// The error that stands for an error reply. `peer` is "host:port".
error make_reply_error(std::string_view text, std::string const& peer);
// The same for a reply to AUTH. It shows no more than the first word: a server may repeat what it
// was sent.
error make_login_error(std::string_view text, std::string const& peer);
// The same for a reply to SELECT.
error make_database_error(
    std::string_view text, std::string const& peer, std::string const& database);

} // namespace coauth::redis

#endif
