#ifndef COAUTH_SRC_TESTING_SERVER_STATE_HPP
#define COAUTH_SRC_TESTING_SERVER_STATE_HPP

#include <coauth/testing/server_options.hpp>

#include "testing/token_store.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::testing
{

// What the endpoints work with: how the server is set up, and what it remembers. Used by the
// server's thread alone, once it runs.
class server_state
{
public:
    server_state(server_options const& chosen, std::uint16_t port, std::uint16_t mtls_port);

    // "https://127.0.0.1:PORT"; of `host` when given.
    [[nodiscard]] std::string origin(std::string const& host = {}) const;
    [[nodiscard]] std::string mtls_origin() const;
    [[nodiscard]] std::string issuer() const;
    // Every URL under which a client may know the path.
    [[nodiscard]] std::vector<std::string> urls(std::string_view path) const;

    // Whom assertions may be for.
    [[nodiscard]] std::vector<std::string> audiences() const;

    // The client of that id with all that proves it; its id is empty when there is none.
    [[nodiscard]] registered_client find_client(std::string_view id) const;

    // Whether it is the first time that `id` is used; `whose` keeps ids of different kinds apart.
    bool replay_cache_insert(std::string_view whose, std::string_view id);

    // From now on proofs need another nonce, if they need one at all.
    void renew_nonce();

    server_options const& options;
    token_store tokens;
    // What DPoP proofs have to repeat; empty: nothing.
    std::string nonce;

private:
    [[nodiscard]] std::string url(std::string const& host, std::uint16_t port) const;

    std::uint16_t port_;
    std::uint16_t mtls_port_;
    std::set<std::string> used_;
};

} // namespace coauth::testing

#endif
