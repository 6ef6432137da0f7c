#ifndef COAUTH_SRC_TESTING_SERVER_STATE_HPP
#define COAUTH_SRC_TESTING_SERVER_STATE_HPP

#include <coauth/testing/server_options.hpp>

#include "testing/openssl_ptr.hpp"
#include "testing/token_store.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace coauth::testing
{

// The options and the state that the endpoints use. Once the server runs, only its thread may use
// them.
class server_state
{
public:
    server_state(server_options const& chosen_options, std::uint16_t port, std::uint16_t mtls_port);

    // "https://127.0.0.1:PORT". `host`, if not empty, replaces the address.
    [[nodiscard]] std::string origin(std::string const& host = {}) const;
    [[nodiscard]] std::string mtls_origin() const;
    [[nodiscard]] std::string issuer() const;
    [[nodiscard]] std::string api_url() const;
    // Every URL with this path by which clients reach the server.
    [[nodiscard]] std::vector<std::string> urls(std::string_view path) const;

    // The accepted audiences of assertions.
    [[nodiscard]] std::vector<std::string> audiences() const;

    // The client and its credentials. If there is none, the id of the result is empty.
    [[nodiscard]] registered_client find_client(std::string_view id) const;

    // The first client with this secret, for a request without a client id.
    [[nodiscard]] registered_client find_client_by_secret(std::string_view secret) const;

    // Records the id of an assertion or proof (`jti`). Returns false if this issuer used it before.
    bool is_first_use(std::string_view issuer, std::string_view id);

    // The JSON Web Key Set with the public half of the key that signs.
    [[nodiscard]] std::string jwks() const;
    // A signed token of this type with these claims.
    [[nodiscard]] std::string
    sign_token(std::string_view type, boost::json::object const& claims) const;

    // Makes a new nonce, if the options require one.
    void rotate_nonce();

    server_options const& options;
    token_store tokens;
    // The nonce that DPoP proofs need. Empty: none.
    std::string nonce;

private:
    [[nodiscard]] std::string url(std::string const& host, std::uint16_t port) const;

    openssl_ptr<EVP_PKEY> const signing_key_;
    std::uint16_t port_;
    std::uint16_t mtls_port_;
    // Issuer and id of the assertions and proofs that were accepted.
    std::set<std::string> replay_cache_;
};

} // namespace coauth::testing

#endif
