// Assertions, proofs and the keys that sign them; with the examples of the RFCs.

// For RAND_set_rand_method.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/jwt.hpp"

#include <coauth/jwt_assertion.hpp>

#include "authentication/client_assertion.hpp"
#include "crypto/digest.hpp"
#include "protocol/config_validation.hpp"
#include "support.hpp"
#include "temporary_file.hpp"
#include "values/encoding.hpp"

#include <openssl/rand.h>

#include <array>

using namespace test;
using namespace coauth::crypto;

BOOST_AUTO_TEST_SUITE(jwt)

using coauth::secret;
using coauth::signing_key;
using coauth::detail::audience_of;
using coauth::detail::base64url;
using enum coauth::signature_algorithm;

namespace
{

// RFC 8037 appendix A.1, as PKCS #8.
constexpr char const* rfc_8037_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

std::chrono::system_clock::time_point const some_time{1'800'000'000s};

coauth::result<std::shared_ptr<private_key const>> load(signing_key const& from)
{
    return private_key::load(from, "the key", some_time);
}

std::shared_ptr<private_key const> rfc_8037()
{
    auto const loaded = load(signing_key::pem(secret(rfc_8037_key)).key_id("k\"1"));
    BOOST_TEST_REQUIRE(outcome(loaded) == "success");
    return *loaded;
}

std::string from_base64url(std::string_view text)
{
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string bytes;
    unsigned held = 0;
    unsigned bits = 0;
    for (char const c : text)
    {
        held = (held << 6U | static_cast<unsigned>(letters.find(c))) & 0xffffU;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        bytes += static_cast<char>(held >> bits & 0xffU);
    }
    return bytes;
}

// OpenSSL has no random bytes while an object of this class lives.
class no_random_bytes
{
public:
    no_random_bytes()
    {
        none_.bytes = [](unsigned char*, int) { return 0; };
        RAND_set_rand_method(&none_);
    }
    ~no_random_bytes() { RAND_set_rand_method(before_); }
    no_random_bytes(no_random_bytes const&) = delete;
    no_random_bytes& operator=(no_random_bytes const&) = delete;

private:
    RAND_METHOD const* before_ = RAND_get_rand_method();
    RAND_METHOD none_ = {};
};

// Header and claims of a signing input.
std::array<std::string, 2> parts(secret const& signing_input)
{
    auto const input = text(signing_input);
    auto const dot = input.find('.');
    return {from_base64url(input.substr(0, dot)), from_base64url(input.substr(dot + 1))};
}

} // namespace

BOOST_AUTO_TEST_CASE(base64url_encodes_the_vectors_of_rfc_4648)
{
    BOOST_TEST(base64url("") == "");
    BOOST_TEST(base64url("f") == "Zg");
    BOOST_TEST(base64url("fo") == "Zm8");
    BOOST_TEST(base64url("foo") == "Zm9v");
    BOOST_TEST(base64url("foob") == "Zm9vYg");
    BOOST_TEST(base64url("\xFB\xFF") == "-_8");
}

// RFC 7515 appendix A.1.
BOOST_AUTO_TEST_CASE(the_hs256_example_of_rfc_7515_is_signed)
{
    secret const key(from_base64url(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
    auto const code = hmac(
        coauth::signature_algorithm::hs256, key,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
        "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
    BOOST_TEST_REQUIRE(outcome(code) == "success");
    BOOST_TEST(base64url(code->view()) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    BOOST_TEST(hmac(hs384, key, "x")->size() == 48U);
    BOOST_TEST(hmac(hs512, key, "x")->size() == 64U);
    BOOST_TEST(outcome(hmac(es256, key, "x")) == "invalid_configuration");
}

// RFC 8037 appendices A.2, A.3 and A.4.
BOOST_AUTO_TEST_CASE(ed25519_key_thumbprint_and_signature)
{
    auto const key = rfc_8037();
    BOOST_TEST((key->algorithm() == eddsa));
    BOOST_TEST(
        key->public_jwk() ==
        R"({"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
    BOOST_TEST(key->thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    auto const signature = key->sign("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    BOOST_TEST_REQUIRE(outcome(signature) == "success");
    BOOST_TEST(
        base64url(signature->view()) ==
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

BOOST_AUTO_TEST_CASE(an_assertion_has_the_configured_claims)
{
    assertion_content content;
    content.issuer = content.subject = "a \"client\"";
    content.audience = "https://as.example/";
    content.id = "j1";
    content.issued_at = some_time + 700ms;
    auto const by_key = [&]
    { return parts(jws_signing_input(assertion_jwt(content, *rfc_8037()))); };
    auto const by_secret = [&](coauth::signature_algorithm algorithm)
    { return parts(jws_signing_input(assertion_jwt(content, algorithm))); };
    BOOST_TEST(by_key()[0] == R"({"alg":"EdDSA","typ":"JWT","kid":"k\"1"})");
    BOOST_TEST(
        by_key()[1] ==
        R"({"iss":"a \"client\"","sub":"a \"client\"","aud":"https://as.example/","jti":"j1",)"
        R"("iat":1800000000,"exp":1800000060})");
    BOOST_TEST(by_secret(hs384)[0] == R"({"alg":"HS384","typ":"JWT"})");
    content.type = "client-authentication+jwt";
    for (auto const& input : {by_key(), by_secret(hs384)})
        check_contains(input[0], R"("typ":"client-authentication+jwt")");
    std::vector<std::pair<std::string, std::string>> const further = {{"scope", "a b"}};
    content.further = further;
    check_contains(by_secret(coauth::signature_algorithm::hs256)[1], R"("scope":"a b"})");
    BOOST_TEST(*random_id() != *random_id());
    BOOST_TEST(text(jws_compact("h.c", "\xFB\xFF")) == "h.c.-_8");
}

// Ed25519 and HMAC are deterministic: the signature is that of the signing input.
BOOST_AUTO_TEST_CASE(an_assertion_is_signed_over_header_and_claims)
{
    assertion_content content;
    content.issuer = "client";
    content.issued_at = some_time;
    auto const key = rfc_8037();
    secret const shared("0123456789abcdef0123456789abcdef");
    unsigned_jwt const by_key = assertion_jwt(content, *key);
    unsigned_jwt const by_secret = assertion_jwt(content, hs512);
    auto const input = jws_signing_input(by_key);
    auto const other_input = jws_signing_input(by_secret);
    auto const signature = key->sign(input.view());
    auto const code = hmac(hs512, shared, other_input.view());
    BOOST_TEST_REQUIRE(outcome(signature) == "success");
    BOOST_TEST_REQUIRE(outcome(code) == "success");
    BOOST_TEST(
        text(sign_jwt(by_key, *key).value()) == text(input) + "." + base64url(signature->view()));
    BOOST_TEST(
        text(sign_jwt(by_secret, hs512, shared).value()) ==
        text(other_input) + "." + base64url(code->view()));
    auto const sign = [](std::string const&,
                         std::function<void(coauth::result<std::string>)> const&) {};
    auto const by_function = load(signing_key::signer(es256, sign));
    BOOST_TEST_REQUIRE(outcome(by_function) == "success");
    BOOST_TEST(outcome(sign_jwt(by_key, **by_function)) == "invalid_configuration");
    BOOST_TEST(outcome(sign_jwt(by_key, es256, shared)) == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(the_audience_follows_its_configured_source)
{
    using enum coauth::audience_source;
    struct row
    {
        coauth::audience_source audience_source;
        char const* audience;
        char const* issuer;
        char const* expected;
    };
    constexpr auto* token = "https://as.example/token";
    constexpr auto* request_url = "https://as.example/introspect";
    constexpr auto* as = "https://as.example";
    for (auto const& [audience_source, audience, issuer_of, expected] : std::vector<row>{
             {issuer, "", as, as},
             {issuer, "", "", token},
             {token_endpoint, "", as, token},
             {endpoint, "", as, request_url},
             {endpoint, "", "", request_url},
             {issuer, "api", as, "api"},
             {token_endpoint, "api", as, "api"},
             {endpoint, "api", as, "api"}})
    {
        coauth::assertion_options options;
        options.audience = audience;
        options.audience_source = audience_source;
        coauth::client_config config;
        config.server.issuer = issuer_of;
        config.server.token_endpoint = token;
        config.authentication = coauth::client_authentication::private_key_jwt(
            "client", signing_key::pem(secret(rfc_8037_key)), options);
        BOOST_TEST(audience_of(config, request_url) == expected);
    }
}

// Without random bytes all assertions and proofs would have the same identifier.
BOOST_AUTO_TEST_CASE(no_assertion_or_proof_is_made_without_random_bytes)
{
    coauth::assertion_claims said;
    said.issuer = said.audience = "https://as.example";
    auto const make = coauth::jwt_assertion(signing_key::pem(secret(rfc_8037_key)), said);
    BOOST_TEST(outcome(make()) == "success");
    {
        no_random_bytes const none;
        BOOST_TEST(outcome(random_id()) == "random_failed");
        auto const got = make();
        BOOST_TEST(outcome(got) == "random_failed");
        check_contains(got.error().message(), "jti");
    }
    BOOST_TEST(outcome(make()) == "success");
}

// RFC 9449 sections 4.2 and 7.1.
BOOST_AUTO_TEST_CASE(a_dpop_proof_has_the_required_claims)
{
    proof_content content;
    content.method = "POST";
    content.url = "https://as.example/token";
    content.id = "j1";
    content.issued_at = some_time;
    auto const proof = [&] { return parts(jws_signing_input(proof_jwt(content, *rfc_8037()))); };
    BOOST_TEST(
        proof()[0] == R"({"typ":"dpop+jwt","alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP",)"
                      R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}})");
    BOOST_TEST(
        proof()[1] ==
        R"({"jti":"j1","htm":"POST","htu":"https://as.example/token","iat":1800000000})");
    content.nonce = "n";
    content.access_token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    check_contains(
        proof()[1], R"("nonce":"n","ath":"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"})");
}

BOOST_AUTO_TEST_CASE(unusable_keys_of_assertions_are_errors)
{
    struct row
    {
        signing_key key;
        char const* says;
    };
    auto const good = signing_key::pem(secret(rfc_8037_key));
    temporary_file const empty("");
    auto const sign = [](std::string const&,
                         std::function<void(coauth::result<std::string>)> const&) {};
    for (auto const& [key, says] : std::vector<row>{
             {signing_key(), "is empty"},
             {signing_key::pem_file("/nowhere/key.pem"), "'/nowhere/key.pem' cannot be read"},
             {signing_key::pem_file(empty.path.string()), "is empty; give the path of a PEM file"},
             {signing_key::pem(secret("hush-hush")), "holds no PEM private key"},
             {signing_key::pem(secret("-----BEGIN PUBLIC KEY-----\nhush-hush")), "a public key"},
             {good.algorithm(rs256), "does not fit the algorithm RS256; it signs by EdDSA"},
             {good.algorithm(coauth::signature_algorithm::hs256),
              "does not fit the algorithm HS256"},
             {good.certificate_pem("hush-hush"), "its certificate is no PEM certificate"},
             {signing_key::signer(hs512, sign), "cannot sign by HMAC"}})
        BOOST_TEST_CONTEXT(says)
        {
            auto const loaded = load(key);
            BOOST_TEST_REQUIRE(outcome(loaded) == "invalid_configuration");
            check_contains(loaded.error().message(), says);
            check_contains(loaded.error().message(), "the key");
            check_lacks(loaded.error().message(), "hush-hush");
        }
}

BOOST_AUTO_TEST_CASE(names_of_signature_algorithms_are_parsed)
{
    for (auto const* name :
         {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
          "ES384", "ES512", "EdDSA", "Ed25519"})
    {
        auto const found = coauth::parse_signature_algorithm(name);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST(to_string(*found) == name);
    }
    BOOST_TEST(!coauth::parse_signature_algorithm("none").has_value());
    BOOST_TEST(!coauth::parse_signature_algorithm("rs256").has_value());
}

BOOST_AUTO_TEST_CASE(claims_of_any_type_and_times_in_the_past_are_possible)
{
    assertion_content content;
    content.issuer = "client";
    content.issued_at = some_time;
    content.lifetime = 60s;
    content.json_claims =
        R"({"roles":["a","b"],"level":3,"deep":{"x":null},"text":"a\"b","yes":true})";
    auto const claims = [&] { return text(assertion_jwt(content, hs256).claims.serialize()); };
    check_contains(
        claims(), R"("iat":1800000000,"exp":1800000060,"roles":["a","b"],"level":3,)"
                  R"("deep":{"x":null},"text":"a\"b","yes":true})");
    content.backdate = 90s;
    check_contains(claims(), R"("iat":1799999910,"exp":1800000060,"roles")");
    content.not_before = true;
    check_contains(claims(), R"("iat":1799999910,"exp":1800000060,"nbf":1799999910,"roles")");
}

BOOST_AUTO_TEST_CASE(lifetimes_of_assertions_have_limits)
{
    using auth = coauth::client_authentication;
    struct row
    {
        std::chrono::seconds lifetime;
        char const* message;
    };
    for (auto const& [lifetime, message] :
         {row{-1s, "the lifetime of assertions is -1 s; it must be from 1 s to 1 hour"},
          row{0s, "the lifetime of assertions is 0 s"}, row{1s, "success"}, row{3600s, "success"},
          row{3601s, "the lifetime of assertions is 3601 s"},
          row{std::chrono::seconds::max(), "it must be from 1 s to 1 hour"}})
        BOOST_TEST_CONTEXT(lifetime.count())
        {
            coauth::assertion_options const options{.audience = {}, .lifetime = lifetime};
            coauth::secret const shared("s");
            for (auto const& authentication :
                 {auth::private_key_jwt("id", signing_key::pem(shared), options),
                  auth::client_secret_jwt(
                      "id", shared, coauth::signature_algorithm::hs256, options)})
            {
                auto configuration = config();
                configuration.authentication = authentication;
                auto const got = coauth::protocol::check_config(configuration);
                check_contains(got ? "success" : got.error().message(), message);
            }
        }
}

BOOST_AUTO_TEST_CASE(options_of_assertions_have_rules)
{
    struct row
    {
        std::chrono::seconds backdate;
        char const* json_claims;
        char const* says;
    };
    for (auto const& [backdate, json_claims, says] : std::vector<row>{
             {-1s, "", "backdate is -1 s; it must be from 0 to 1 hour"},
             {3601s, "", "backdate is 3601 s"},
             {0s, "[1]", "json_claims is not the text of a JSON object"},
             {0s, R"({"hush":1,"hush":2})", "json_claims is not the text of a JSON object"},
             {0s, R"({"a":"hush)", "json_claims is not the text of a JSON object"},
             {0s, R"({"exp":"hush"})", "the claim 'exp' in json_claims is reserved"},
             {0s, R"({"":"hush"})", "is reserved or has no name"}})
        BOOST_TEST_CONTEXT(says)
        {
            coauth::assertion_options options;
            options.backdate = backdate;
            options.json_claims = json_claims;
            auto configuration = config();
            configuration.authentication = coauth::client_authentication::private_key_jwt(
                "client", signing_key::pem(secret(rfc_8037_key)), options);
            coauth::assertion_claims claims;
            claims.issuer = claims.audience = "x";
            claims.backdate = backdate;
            claims.json_claims = json_claims;
            auto const checked = coauth::protocol::check_config(configuration);
            auto const made =
                coauth::jwt_assertion(signing_key::pem(secret(rfc_8037_key)), claims)();
            BOOST_TEST_REQUIRE(outcome(checked) == "invalid_configuration");
            BOOST_TEST_REQUIRE(outcome(made) == "invalid_configuration");
            check_contains(checked.error().message(), says);
            check_contains(made.error().message(), says);
            check_lacks(checked.error().message(), "hush");
        }
    coauth::assertion_claims claims;
    claims.issuer = claims.audience = "x";
    claims.further = {{"scope", "a"}};
    claims.json_claims = R"({"scope":["a"]})";
    auto const made = coauth::jwt_assertion(signing_key::pem(secret(rfc_8037_key)), claims)();
    BOOST_TEST_REQUIRE(outcome(made) == "invalid_configuration");
    check_contains(made.error().message(), "'scope' is in further and in json_claims");
}

BOOST_AUTO_TEST_SUITE_END()
