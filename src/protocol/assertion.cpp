#include "protocol/assertion.hpp"

#include "protocol/json_document.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

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
    [[nodiscard]] std::string encoded()
    {
        json_.append(json_.empty() ? "{}" : "}");
        return base64url(json_.view());
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

std::string claims_of(assertion_claims const& claims)
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
    return said.encoded();
}

EVP_MD const* digest_of(signature_algorithm algorithm)
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

std::string base64url(std::string_view bytes)
{
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    unsigned held = 0;
    unsigned bits = 0;
    for (char const c : bytes)
    {
        held = (held << 8U | static_cast<unsigned char>(c)) & 0xfffU;
        for (bits += 8; bits >= 6; bits -= 6)
            text += letters[held >> (bits - 6) & 63U];
    }
    if (bits != 0)
        text += letters[held << (6 - bits) & 63U];
    return text;
}

std::string sha256(std::string_view bytes)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return {digest.begin(), digest.begin() + size};
}

std::string unique_id()
{
    std::array<unsigned char, 16> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    {
        ERR_clear_error();
        return {};
    }
    return base64url(std::string(random.begin(), random.end()));
}

std::string assertion_input(assertion_key const& by, assertion_claims const& claims)
{
    return json_object()
               .member("alg", to_string(by.algorithm()))
               .member("typ", "JWT")
               .optional("kid", by.key_id())
               .optional("x5t#S256", by.certificate_thumbprint())
               .encoded() +
           '.' + claims_of(claims);
}

std::string assertion_input(signature_algorithm by, assertion_claims const& claims)
{
    return json_object().member("alg", to_string(by)).member("typ", "JWT").encoded() + '.' +
           claims_of(claims);
}

std::string proof_input(assertion_key const& by, proof_claims const& claims)
{
    json_object said;
    said.member("jti", claims.id)
        .member("htm", claims.method)
        .member("htu", claims.url)
        .number("iat", seconds_of(claims.issued_at))
        .optional("nonce", claims.nonce);
    if (!claims.access_token.empty())
        said.member("ath", base64url(sha256(claims.access_token)));
    return json_object()
               .member("typ", "dpop+jwt")
               .member("alg", to_string(by.algorithm()))
               .json("jwk", by.public_jwk())
               .encoded() +
           '.' + said.encoded();
}

result<std::string> hmac(signature_algorithm by, secret const& key, std::string_view input)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    auto const* const digest = digest_of(by);
    bool const good =
        digest != nullptr && HMAC(
                                 digest, key.view().data(), static_cast<int>(key.size()),
                                 reinterpret_cast<unsigned char const*>(input.data()), input.size(),
                                 code.data(), &size) != nullptr;
    if (good)
        return std::string(code.begin(), code.begin() + size);
    ERR_clear_error();
    error_info info;
    info.context = "the client assertion could not be signed by " + std::string(to_string(by));
    return error(errc::invalid_configuration, std::move(info));
}

secret signed_token(std::string_view input, std::string_view signature)
{
    // Its own copy is wiped.
    secret const encoded(base64url(signature));
    secret token;
    token.reserve(input.size() + 1 + encoded.size());
    token.append(input).append('.').append(encoded.view());
    return token;
}

} // namespace coauth::protocol
