#include "crypto/jwt.hpp"

#include "crypto/openssl_memory.hpp"
#include "values/encoding.hpp"
#include "values/make_error.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <new>

namespace coauth::protocol
{
namespace
{

// A JSON object, member by member.
class json_object
{
public:
    json_object& member(std::string_view name, std::string_view text)
    {
        begin(name);
        append_json_string(json_, text);
        return *this;
    }
    // None where there is nothing to say.
    json_object& optional(std::string_view name, std::string_view text)
    {
        return text.empty() ? *this : member(name, text);
    }
    json_object& number(std::string_view name, std::int64_t value)
    {
        return json(name, std::to_string(value));
    }
    json_object& json(std::string_view name, std::string_view value)
    {
        begin(name);
        json_.append(value);
        return *this;
    }
    void append_encoded(secret& out)
    {
        json_.append(json_.empty() ? "{}" : "}");
        append_base64url(out, json_.view());
    }

private:
    void begin(std::string_view name)
    {
        json_.append(json_.empty() ? '{' : ',');
        append_json_string(json_, name);
        json_.append(':');
    }

    secret json_;
};

std::int64_t seconds_of(std::chrono::system_clock::time_point when)
{
    return std::chrono::floor<std::chrono::seconds>(when.time_since_epoch()).count();
}

secret input_of(json_object& header, json_object& claims)
{
    secret input;
    input.reserve(1024);
    header.append_encoded(input);
    input.append('.');
    claims.append_encoded(input);
    return input;
}

json_object claims_of(assertion_claims const& claims)
{
    json_object said;
    said.member("iss", claims.issuer)
        .optional("sub", claims.subject)
        .member("aud", claims.audience)
        .member("jti", claims.id)
        .number("iat", seconds_of(claims.issued_at))
        .number("exp", seconds_of(claims.issued_at + claims.lifetime));
    for (auto const& [name, value] : claims.further)
        said.member(name, value);
    return said;
}

EVP_MD const* hmac_digest_of(signature_algorithm algorithm)
{
    switch (algorithm)
    {
    case signature_algorithm::hs256:
        return EVP_sha256();
    case signature_algorithm::hs384:
        return EVP_sha384();
    case signature_algorithm::hs512:
        return EVP_sha512();
    default:
        return nullptr;
    }
}

} // namespace

void append_base64url(secret& out, std::string_view bytes)
{
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    out.reserve(out.size() + (bytes.size() * 4 + 2) / 3);
    unsigned held = 0;
    unsigned bits = 0;
    for (char const c : bytes)
    {
        held = (held << 8U | static_cast<unsigned char>(c)) & 0xfffU;
        for (bits += 8; bits >= 6; bits -= 6)
            out.append(letters[held >> (bits - 6) & 63U]);
    }
    if (bits != 0)
        out.append(letters[held << (6 - bits) & 63U]);
}

std::string base64url(std::string_view bytes)
{
    secret text;
    append_base64url(text, bytes);
    return std::string(text.view());
}

std::string sha256(std::string_view bytes)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
    return {digest.begin(), digest.begin() + size};
}

result<std::string> unique_id()
{
    std::array<unsigned char, 16> random{};
    forget_failures();
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) == 1)
        return base64url(std::string(random.begin(), random.end()));
    throw_if_lacked_memory();
    return detail::make_error(errc::random_failed, "for the jti of an assertion or a proof");
}

std::string_view audience_of(client_config const& config, std::string_view url)
{
    auto const& wanted = config.authentication.assertions();
    if (!wanted.audience.empty())
        return wanted.audience;
    if (wanted.audience_source == audience_source::endpoint)
        return url;
    bool const to_issuer =
        wanted.audience_source == audience_source::issuer && !config.server.issuer.empty();
    return to_issuer ? config.server.issuer : config.server.token_endpoint;
}

secret jws_signing_input(private_key const& by, assertion_claims const& claims)
{
    json_object header;
    header.member("alg", to_string(by.algorithm()))
        .member("typ", claims.type)
        .optional("kid", by.key_id())
        .optional("x5t#S256", by.certificate_thumbprint());
    auto said = claims_of(claims);
    return input_of(header, said);
}

secret jws_signing_input(signature_algorithm by, assertion_claims const& claims)
{
    json_object header;
    header.member("alg", to_string(by)).member("typ", claims.type);
    auto said = claims_of(claims);
    return input_of(header, said);
}

secret dpop_signing_input(private_key const& by, proof_claims const& claims)
{
    json_object said;
    said.member("jti", claims.id)
        .member("htm", claims.method)
        .member("htu", claims.url)
        .number("iat", seconds_of(claims.issued_at))
        .optional("nonce", claims.nonce);
    if (!claims.access_token.empty())
        said.member("ath", base64url(sha256(claims.access_token)));
    json_object header;
    header.member("typ", "dpop+jwt")
        .member("alg", to_string(by.algorithm()))
        .json("jwk", by.public_jwk());
    return input_of(header, said);
}

result<secret> hmac(signature_algorithm by, secret const& key, std::string_view input)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    auto const* const digest = hmac_digest_of(by);
    forget_failures();
    bool const good =
        digest != nullptr && HMAC(
                                 digest, key.view().data(), static_cast<int>(key.size()),
                                 reinterpret_cast<unsigned char const*>(input.data()), input.size(),
                                 code.data(), &size) != nullptr;
    secret made(std::string_view(reinterpret_cast<char const*>(code.data()), size));
    wipe(code.data(), code.size());
    if (good)
        return made;
    throw_if_lacked_memory();
    return detail::config_error(
        "the client assertion could not be signed by " + std::string(to_string(by)));
}

secret jws_compact(std::string_view input, std::string_view signature)
{
    secret token;
    token.reserve(input.size() + 1 + (signature.size() * 4 + 2) / 3);
    token.append(input).append('.');
    append_base64url(token, signature);
    return token;
}

} // namespace coauth::protocol
