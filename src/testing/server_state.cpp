#include "testing/server_state.hpp"

#include "testing/encoding.hpp"
#include "testing/public_key.hpp"
#include "testing/signature.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace coauth::testing
{

namespace
{

std::string bracketed(std::string const& address)
{
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

// Adds the credentials of `more`. Of single credentials the first one counts.
void add_credentials(registered_client& known, registered_client const& more)
{
    known.id = more.id;
    if (known.secret.empty())
        known.secret = more.secret;
    if (known.assertion_secret.empty())
        known.assertion_secret = more.assertion_secret;
    if (known.subject.empty())
        known.subject = more.subject;
    auto const append = [](auto& to, auto const& from)
    { to.insert(to.end(), from.begin(), from.end()); };
    append(known.public_keys, more.public_keys);
    append(known.certificates, more.certificates);
}

} // namespace

server_state::server_state(
    server_options const& chosen_options, std::uint16_t port, std::uint16_t mtls_port)
    : options(chosen_options)
    , signing_key_(EVP_EC_gen("P-256"))
    , port_(port)
    , mtls_port_(mtls_port)
{
    rotate_nonce();
    for (auto const& name : chosen_options.refresh_tokens)
    {
        issued_token token;
        token.client_id = chosen_options.client_id;
        token.issued_at = std::chrono::system_clock::now();
        token.expires_at = std::chrono::system_clock::time_point::max();
        token.refresh = true;
        tokens.add(name, std::move(token));
    }
}

void server_state::rotate_nonce()
{
    if (options.dpop_nonce)
        nonce = random_text(20);
}

std::string server_state::url(std::string const& host, std::uint16_t port) const
{
    return (options.tls ? "https://" : "http://") +
           (host.empty() ? bracketed(options.address) : host) + ":" + std::to_string(port);
}

std::string server_state::origin(std::string const& host) const
{
    return url(host, port_);
}

std::string server_state::mtls_origin() const
{
    return url({}, mtls_port_);
}

std::string server_state::issuer() const
{
    return origin() + options.issuer_path;
}

std::string server_state::api_url() const
{
    return origin() + options.api_path;
}

std::vector<std::string> server_state::urls(std::string_view path) const
{
    std::vector<std::string> all;
    for (auto const port : {port_, mtls_port_})
        for (auto const* const host : {"", "localhost"})
            all.push_back(url(host, port) + std::string(path));
    return all;
}

std::vector<std::string> server_state::audiences() const
{
    if (!options.audiences.empty())
        return options.audiences;
    auto all = urls(options.path);
    auto const issuers = urls(options.issuer_path);
    all.insert(all.end(), issuers.begin(), issuers.end());
    return all;
}

registered_client server_state::find_client(std::string_view id) const
{
    registered_client found;
    if (id == options.client_id)
    {
        found.id = options.client_id;
        found.secret = options.client_secret;
    }
    for (auto const& each : options.clients)
        if (each.id == id)
            add_credentials(found, each);
    return found;
}

registered_client server_state::find_client_by_secret(std::string_view secret) const
{
    if (!secret.empty() && secret == options.client_secret)
        return find_client(options.client_id);
    for (auto const& each : options.clients)
        if (!secret.empty() && each.secret == secret)
            return find_client(each.id);
    return {};
}

std::string server_state::jwks() const
{
    auto key = p256_jwk(*signing_key_);
    key["kid"] = jwk_thumbprint(key);
    key["use"] = "sig";
    key["alg"] = "ES256";
    boost::json::object set;
    // Not by braces, which Clang and GCC read differently for one element.
    set["keys"].emplace_array().push_back(std::move(key));
    return boost::json::serialize(set);
}

std::string server_state::sign_token(std::string_view type, boost::json::object const& claims) const
{
    boost::json::object header;
    header["alg"] = "ES256";
    header["kid"] = jwk_thumbprint(p256_jwk(*signing_key_));
    header["typ"] = boost::json::string_view(type.data(), type.size());
    auto const input = encode_base64url(boost::json::serialize(header)) + "." +
                       encode_base64url(boost::json::serialize(claims));
    return input + "." + encode_base64url(sign_es256(*signing_key_, input));
}

bool server_state::is_first_use(std::string_view issuer, std::string_view id)
{
    std::string key(issuer);
    key += '\n';
    return replay_cache_.insert(key.append(id)).second;
}

} // namespace coauth::testing
