#ifndef COAUTH_SRC_TESTING_TOKEN_STORE_HPP
#define COAUTH_SRC_TESTING_TOKEN_STORE_HPP

#include <chrono>
#include <map>
#include <string>

namespace coauth::testing
{

// What the server knows of a token that it gave out.
struct issued_token
{
    std::string client_id;
    std::string scope;
    std::chrono::system_clock::time_point issued_at;
    std::chrono::system_clock::time_point expires_at;
    bool refresh = false;
    // What it is bound to (RFC 9449 section 6, RFC 8705 section 3); empty: nothing.
    std::string key_thumbprint = {};
    std::string certificate_thumbprint = {};
};

// The tokens given out and not revoked.
class token_store
{
public:
    // Keeps it under a name that it makes.
    std::string add(issued_token token);
    void add(std::string name, issued_token token);
    // Null: unknown, revoked or expired.
    issued_token const*
    find(std::string const& name, std::chrono::system_clock::time_point now) const;
    void remove(std::string const& name);

private:
    std::map<std::string, issued_token> tokens_;
};

} // namespace coauth::testing

#endif
