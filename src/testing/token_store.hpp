#ifndef COAUTH_SRC_TESTING_TOKEN_STORE_HPP
#define COAUTH_SRC_TESTING_TOKEN_STORE_HPP

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace coauth::testing
{

// A token that the server issued.
struct issued_token
{
    std::string client_id;
    std::string scope;
    std::chrono::system_clock::time_point issued_at;
    std::chrono::system_clock::time_point expires_at;
    bool refresh = false;
    // The key or certificate to which it is bound (RFC 9449 section 6, RFC 8705 section 3). Empty:
    // none.
    std::string key_thumbprint = {};
    std::string certificate_thumbprint = {};
    // What the request asked for.
    std::vector<std::string> resources = {};
    std::string acr_values = {};
    std::string claims = {};
    std::vector<std::string> audiences = {};
    // JSON text. Empty: none.
    std::string authorization_details = {};
};

// The issued tokens that are not revoked.
class token_store
{
public:
    // Stores the token and returns its new random value.
    std::string add(issued_token token);
    void add(std::string value, issued_token token);
    // Null: unknown, revoked or expired.
    issued_token const*
    find(std::string const& value, std::chrono::system_clock::time_point now) const;
    void remove(std::string const& value);

private:
    std::map<std::string, issued_token> tokens_;
};

} // namespace coauth::testing

#endif
