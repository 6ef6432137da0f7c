#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_SERVER_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_SERVER_HPP

#include <coauth/redis_token_store.hpp>

#include "net/byte_stream.hpp"
#include "token_store/redis_command.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace coauth::redis
{

// What the URL of the options says.
struct server_url
{
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    std::string user;
    secret password;
    // Digits. Empty: the first.
    std::string database;
};

result<server_url> parse_server_url(std::string_view url);

// What the connections of one store need. Immutable; may be used from any thread.
struct server_settings
{
    redis_options options;
    server_url url;
    // Null: no TLS.
    std::shared_ptr<net::tls_source> tls;

    // AUTH and SELECT, where the options ask for them. Calls the user's function.
    [[nodiscard]] result<commands> make_greeting() const;
    // The server of the URL, or another of its cluster.
    [[nodiscard]] std::shared_ptr<net::stream_target const> make_target(
        std::string const& host, std::uint16_t port, std::shared_ptr<net::resolver> lookups) const;
};

// Without looking at files.
result<std::shared_ptr<server_settings const>> make_settings(redis_options options);

} // namespace coauth::redis

#endif
