#ifndef COAUTH_TEST_INTEROP_AUTHENTICATION_METHODS_HPP
#define COAUTH_TEST_INTEROP_AUTHENTICATION_METHODS_HPP

#include <coauth/coauth.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace interop
{

using coauth::client_authentication;
using coauth::signature_algorithm;
using coauth::signing_key;
using enum coauth::signature_algorithm;

// The server's URL (https://address:port), and the directory of certificates and keys.
inline std::string server_url;
inline std::string directory;

inline std::string file(std::string const& name)
{
    return directory + "/" + name;
}

// Called when the test runs, since the directory is not known before.
using authentication = std::function<client_authentication()>;

inline authentication
key(std::string client, std::string name, std::optional<signature_algorithm> algorithm = {},
    coauth::assertion_options const& options = {})
{
    return [=]
    {
        auto key = signing_key::pem_file(file(name + ".key")).key_id(name);
        if (algorithm)
            key = key.algorithm(*algorithm);
        return client_authentication::private_key_jwt(client, key, options);
    };
}

inline authentication key_for_audience(std::string client, std::string audience)
{
    coauth::assertion_options options;
    options.audience = std::move(audience);
    return key(std::move(client), "p256", {}, options);
}

inline authentication key_for_audience(std::string client, coauth::audience_source source)
{
    coauth::assertion_options options;
    options.audience_source = source;
    return key(std::move(client), "p256", {}, options);
}

inline authentication key_of_type(std::string client, std::string type)
{
    coauth::assertion_options options;
    options.type = std::move(type);
    return key(std::move(client), "p256", {}, options);
}

// Identified by its certificate and not by a key id.
inline authentication key_and_certificate(std::string client, std::string certificate)
{
    return [=]
    {
        return client_authentication::private_key_jwt(
            client, signing_key::pem_file(file("signing.key"))
                        .certificate_file(file(certificate + ".pem")));
    };
}

inline authentication encrypted_key(std::string client, std::string phrase)
{
    return [=]
    {
        auto const passphrase = [phrase]() -> coauth::result<coauth::secret>
        { return coauth::secret(std::string_view(phrase)); };
        return client_authentication::private_key_jwt(
            client, signing_key::pem_file(file("encrypted.key"), passphrase).key_id("p256"));
    };
}

// An external signer, such as an HSM, that returns this signature.
inline authentication signer(std::string client, std::string signature)
{
    return [=]
    {
        auto const sign =
            [=](std::string const&, std::function<void(coauth::result<std::string>)> const& done)
        { done(signature); };
        return client_authentication::private_key_jwt(
            client, signing_key::signer(es256, sign).key_id("p256"));
    };
}

// Signs with the openssl command.
inline std::string signed_by_openssl(std::string const& input)
{
    auto const path = file("to-be-signed");
    std::ofstream(path, std::ios::binary) << input;
    auto const command = "openssl dgst -sha256 -sign '" + file("rsa.key") + "' -out '" + path +
                         ".signature' '" + path + "'";
    BOOST_REQUIRE_EQUAL(std::system(command.c_str()), 0);
    std::ifstream in(path + ".signature", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline authentication openssl(std::string client)
{
    return [=]
    {
        auto const sign = [](std::string const& input,
                             std::function<void(coauth::result<std::string>)> const& done)
        { done(signed_by_openssl(input)); };
        return client_authentication::private_key_jwt(
            client, signing_key::signer(rs256, sign).key_id("rsa"));
    };
}

// An assertion that is made outside the client, such as by a platform; `client` may be empty.
inline authentication assertion(std::string client, std::string issuer)
{
    return [=]
    {
        coauth::assertion_claims claims;
        claims.issuer = issuer;
        claims.subject = issuer;
        claims.audience = server_url;
        auto const signing = signing_key::pem_file(file("p256.key")).key_id("p256");
        return client_authentication::client_assertion(
            client, coauth::jwt_assertion(signing, claims));
    };
}

inline authentication
secret_jwt(std::string client, std::string secret, signature_algorithm algorithm = hs256)
{
    return [=]
    {
        return client_authentication::client_secret_jwt(
            client, coauth::secret(std::string_view(secret)), algorithm);
    };
}

inline authentication basic(std::string client, std::string secret)
{
    return [=]
    {
        return client_authentication::client_secret_basic(
            client, coauth::secret(std::string_view(secret)));
    };
}

inline authentication certificate(std::string client)
{
    return [=] { return client_authentication::tls_client_auth(client); };
}

inline authentication self_signed(std::string client)
{
    return [=] { return client_authentication::self_signed_tls_client_auth(client); };
}

} // namespace interop

#endif
