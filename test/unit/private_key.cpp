// Signing keys: every algorithm, verified by OpenSSL alone, and every kind of unusable key.

#include "crypto/private_key.hpp"

#include "crypto/ecdsa_signature.hpp"
#include "crypto/jwt.hpp"
#include "support.hpp"
#include "temporary_file.hpp"
#include "test_keys.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <stdexcept>

using namespace test;
namespace crypto = coauth::crypto;

BOOST_AUTO_TEST_SUITE(private_key)

using coauth::result;
using coauth::secret;
using coauth::secret_provider;
using coauth::signing_key;

namespace
{

constexpr char const* phrase = "open-sesame";

result<std::shared_ptr<crypto::private_key const>> load(
    signing_key const& from,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now())
{
    return crypto::private_key::load(from, "the key", now);
}

std::shared_ptr<crypto::private_key const> loaded(signing_key const& from)
{
    auto const got = load(from);
    BOOST_TEST_REQUIRE(outcome(got) == "success");
    return *got;
}

signing_key pem(std::string_view text, secret_provider passphrase = {})
{
    return signing_key::pem(secret(text), std::move(passphrase));
}

// Shared, since making an RSA key takes long.
test_key const& rsa()
{
    static test_key const key_of_process("RSA");
    return key_of_process;
}

test_key key_for(std::string_view algorithm)
{
    auto const kind = kind_of(algorithm);
    return kind == "RSA" ? rsa() : test_key(kind);
}

secret_provider saying(std::string text)
{
    return [text = std::move(text)] { return secret(std::string_view(text)); };
}

// A line from the middle of the key.
std::string inside(std::string const& pem)
{
    auto const line = pem.find('\n', pem.size() / 2) + 1;
    return pem.substr(line, 20);
}

struct unusable
{
    char const* name;
    std::string pem;
    char const* says;
};

void check_refused(signing_key const& key, std::string_view says)
{
    auto const got = load(key);
    BOOST_TEST_REQUIRE(outcome(got) == "invalid_configuration");
    auto const message = got.error().message();
    check_contains(message, "the key");
    check_contains(message, says);
    check_lacks(message, phrase);
    BOOST_TEST(!got.error().transient());
}

std::string cut(std::string const& text)
{
    return text.substr(0, text.size() / 2);
}

} // namespace

BOOST_AUTO_TEST_CASE(openssl_verifies_signatures_of_every_algorithm)
{
    struct row
    {
        char const* algorithm;
        std::size_t size;
    };
    for (auto const& [name, size] :
         {row{"RS256", 256}, row{"RS384", 256}, row{"RS512", 256}, row{"PS256", 256},
          row{"PS384", 256}, row{"PS512", 256}, row{"ES256", 64}, row{"ES384", 96},
          row{"ES512", 132}, row{"EdDSA", 64}, row{"Ed25519", 64}})
        BOOST_TEST_CONTEXT(name)
        {
            auto const by = key_for(name);
            auto const tested =
                loaded(pem(by.private_pem()).algorithm(*coauth::parse_signature_algorithm(name)));
            crypto::assertion_content content;
            content.issuer = content.subject = client_id;
            auto const input =
                text(crypto::jws_signing_input(crypto::assertion_jwt(content, *tested)));
            auto const signature = tested->sign(input);
            BOOST_TEST_REQUIRE(outcome(signature) == "success");
            BOOST_TEST(signature->size() == size);
            BOOST_TEST(by.verifies(name, input, signature->view()));
            BOOST_TEST(!by.verifies(name, input + '.', signature->view()));
        }
}

// Key management services give DER.
BOOST_AUTO_TEST_CASE(signatures_of_signers_are_converted_to_the_jws_format)
{
    struct row
    {
        char const* algorithm;
        std::string signature;
        // The converted signature, or part of the error.
        std::string expected;
    };
    auto const both = [](std::size_t half, char r, char s)
    { return std::string(half - 1, '\0') + r + std::string(half - 1, '\0') + s; };
    auto const der = "\x30\x06\x02\x01\x05\x02\x01\x07"s;
    for (auto const& [name, signature, expected] : std::vector<row>{
             {"ES256", both(32, 5, 7), both(32, 5, 7)},
             {"ES256", der, both(32, 5, 7)},
             {"ES384", der, both(48, 5, 7)},
             {"ES512", der, both(66, 5, 7)},
             {"ES256", der + "x", "r followed by s, 64 bytes"},
             {"ES256", der.substr(0, 7), "r followed by s"},
             {"ES256", "\x30\x26\x02\x21\x01" + std::string(32, '\0') + "\x02\x01\x07",
              "r followed by s"},
             {"ES384", both(32, 5, 7), "r followed by s, 96 bytes"},
             {"ES256", "", "empty signature"},
             {"RS256", "", "empty signature"},
             {"RS256", der, der},
             {"EdDSA", der, der}})
        BOOST_TEST_CONTEXT(name << " " << signature.size())
        {
            auto const got = crypto::normalize_signature(
                *coauth::parse_signature_algorithm(name), std::string(signature));
            if (got)
                BOOST_TEST(text(*got) == expected);
            else
                check_contains(got.error().message(), expected);
            BOOST_TEST(bool(got) == (expected.size() >= 64 || expected == der));
        }
    auto const failed = crypto::normalize_signature(
        coauth::signature_algorithm::es256, coauth::error(coauth::errc::rate_limited));
    BOOST_TEST(outcome(failed) == "rate_limited");
}

BOOST_AUTO_TEST_CASE(each_kind_of_key_has_a_default_algorithm)
{
    for (std::string const name : {"RS256", "ES256", "ES384", "ES512", "EdDSA"})
        BOOST_TEST(to_string(loaded(pem(key_for(name).private_pem()))->algorithm()) == name);
}

// One of 256 numbers starts with a zero byte, which DER omits and RFC 7518 requires.
BOOST_AUTO_TEST_CASE(ecdsa_signatures_keep_leading_zeros)
{
    for (std::string const name : {"ES256", "ES384", "ES512"})
        BOOST_TEST_CONTEXT(name)
        {
            auto const by = key_for(name);
            auto const tested = loaded(pem(by.private_pem()));
            bool r = false;
            bool s = false;
            for (int tries = 0; (!r || !s) && tries < 10'000; ++tries)
            {
                auto const signature = tested->sign("text");
                BOOST_TEST_REQUIRE(outcome(signature) == "success");
                auto const half = signature->size() / 2;
                bool const short_r = signature->view().front() == '\0';
                bool const short_s = signature->view()[half] == '\0';
                if (short_r || short_s)
                    BOOST_TEST_REQUIRE(by.verifies(name, "text", signature->view()));
                r = r || short_r;
                s = s || short_s;
            }
            BOOST_TEST(r);
            BOOST_TEST(s);
        }
}

BOOST_AUTO_TEST_CASE(the_public_jwk_and_thumbprint_match_openssl)
{
    for (std::string const kind : {"RSA", "P-256", "P-384", "P-521", "Ed25519"})
        BOOST_TEST_CONTEXT(kind)
        {
            auto const by = kind == "RSA" ? rsa() : test_key(kind);
            auto const tested = loaded(pem(by.private_pem()));
            BOOST_TEST(tested->public_jwk() == boost::json::serialize(by.jwk()));
            BOOST_TEST(tested->thumbprint() == by.thumbprint());
        }
}

BOOST_AUTO_TEST_CASE(coordinates_of_a_public_jwk_keep_leading_zeros)
{
    bool x = false;
    bool y = false;
    for (int tries = 0; (!x || !y) && tries < 10'000; ++tries)
    {
        test_key const by("P-256");
        auto const jwk = by.jwk();
        bool const short_x = from_base64url(jwk.at("x").as_string()).front() == '\0';
        bool const short_y = from_base64url(jwk.at("y").as_string()).front() == '\0';
        if (short_x || short_y)
            BOOST_TEST_REQUIRE(loaded(pem(by.private_pem()))->thumbprint() == by.thumbprint());
        x = x || short_x;
        y = y || short_y;
    }
    BOOST_TEST(x);
    BOOST_TEST(y);
}

BOOST_AUTO_TEST_CASE(keys_of_unsupported_kinds_are_refused)
{
    struct row
    {
        char const* kind;
        char const* says;
    };
    constexpr auto other_kind = "give an RSA, P-256, P-384, P-521 or Ed25519 key";
    for (auto const& [kind, says] :
         {row{"RSA 1024", "is an RSA key of 1024 bits; it must have at least 2048"},
          row{"secp256k1", other_kind}, row{"P-224", other_kind}, row{"Ed448", other_kind},
          row{"X25519", other_kind}, row{"DSA", other_kind}})
        BOOST_TEST_CONTEXT(kind)
        {
            check_refused(pem(test_key(kind).private_pem()), says);
        }
}

BOOST_AUTO_TEST_CASE(a_key_for_another_algorithm_is_refused)
{
    struct row
    {
        char const* key_of;
        char const* wanted;
        char const* says;
    };
    for (auto const& [key_of, wanted, says] :
         {row{"ES256", "ES384", "does not fit the algorithm ES384; it signs by ES256"},
          row{"ES384", "ES256", "does not fit the algorithm ES256; it signs by ES384"},
          row{"ES512", "EdDSA", "does not fit the algorithm EdDSA; it signs by ES512"},
          row{"EdDSA", "ES256", "does not fit the algorithm ES256; it signs by EdDSA"},
          row{"RS256", "ES256", "it signs by RS256, RS384, RS512, PS256, PS384, PS512"},
          row{"RS256", "HS256", "does not fit the algorithm HS256"}})
        BOOST_TEST_CONTEXT(key_of << " for " << wanted)
        {
            check_refused(
                pem(key_for(key_of).private_pem())
                    .algorithm(*coauth::parse_signature_algorithm(wanted)),
                says);
        }
}

BOOST_AUTO_TEST_CASE(texts_without_a_key_are_refused)
{
    auto const good = test_key("P-256");
    auto const whole = good.private_pem();
    auto const of_certificate = make_identity("client");
    for (auto const& [name, text, says] :
         {unusable{"zeros", std::string(1000, '\0'), "must contain -----BEGIN PRIVATE KEY-----"},
          unusable{"prose", "open-sesame", "must contain -----BEGIN PRIVATE KEY-----"},
          unusable{"cut off", cut(whole), "cannot be read; give the whole of it"},
          unusable{"cut off, encrypted", cut(good.encrypted_pem(phrase)), "give the whole of it"},
          unusable{
              "damaged", "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n",
              "cannot be read; give the whole of it"},
          unusable{
              "public half", good.public_pem(),
              "only a public key or a certificate; give the private key"},
          unusable{
              "certificate", of_certificate.certificate_pem,
              "only a public key or a certificate; give the private key"}})
        BOOST_TEST_CONTEXT(name)
        {
            check_refused(pem(text), says);
            temporary_file const file(text);
            check_refused(signing_key::pem_file(file.path.string()), says);
            check_refused(signing_key::pem_file(file.path.string()), file.path.string());
        }
}

BOOST_AUTO_TEST_CASE(no_error_message_contains_the_text_of_a_key)
{
    auto const key = rsa().private_pem();
    auto const other = make_identity("client").certificate_pem;
    struct row
    {
        signing_key from;
        char const* says;
    };
    for (auto const& [from, says] :
         {row{pem(key.substr(0, key.size() - 40)), "give the whole of it"},
          row{pem(key).certificate_pem(other), "belongs to another key"},
          row{pem(key).algorithm(coauth::signature_algorithm::es256), "does not fit"},
          row{signing_key::pem_file(key), "is PEM text where a path belongs"}})
        BOOST_TEST_CONTEXT(says)
        {
            check_refused(from, says);
            check_lacks(load(from).error().message(), inside(key));
            check_lacks(load(from).error().message(), "PRIVATE KEY");
        }
}

BOOST_AUTO_TEST_CASE(a_key_is_found_among_other_texts)
{
    auto const known = make_identity("client");
    auto const key = known.key.private_pem();
    for (auto const& text :
         {known.certificate_pem + key, key + known.certificate_pem, "Bag Attributes\n\n" + key,
          known.key.public_pem() + key})
        BOOST_TEST(loaded(pem(text))->thumbprint() == known.key.thumbprint());
}

BOOST_AUTO_TEST_CASE(an_encrypted_key_is_opened_by_its_pass_phrase_alone)
{
    struct row
    {
        char const* name;
        secret_provider phrase;
        // Empty: the key is opened.
        std::string says;
    };
    std::vector<row> const rows = {
        {"right", saying(phrase), ""},
        {"none", {}, "is encrypted; give the function that returns the pass-phrase"},
        {"wrong", saying("wrong-sesame"),
         "cannot be decrypted with the pass-phrase; check the function that returns the "
         "pass-phrase"},
        {"empty", saying(""), "pass-phrase"},
        {"unavailable", [] { return result<secret>(coauth::error(coauth::errc::connect_failed)); },
         "the pass-phrase cannot be obtained: "},
        {"not in its file", coauth::secret_from_file("/nowhere/phrase"),
         "the pass-phrase cannot be obtained: the configuration is invalid: the secret file "
         "'/nowhere/phrase' cannot be read"},
        {"throws", []() -> result<secret> { throw std::runtime_error(phrase); },
         "the pass-phrase cannot be obtained: its function threw an exception"},
        {"too long", saying(std::string(5000, 'x')),
         "the pass-phrase cannot be obtained: it is longer than 1024 bytes"}};
    for (auto const& key : {rsa(), test_key("P-256")})
        for (auto const& text : {key.encrypted_pem(phrase), key.traditional_pem(phrase)})
            for (auto const& row : rows)
                BOOST_TEST_CONTEXT(row.name << ": " << text.substr(0, 60))
                {
                    if (row.says.empty())
                        BOOST_TEST(loaded(pem(text, row.phrase))->thumbprint() == key.thumbprint());
                    else
                        check_refused(pem(text, row.phrase), row.says);
                }
}

BOOST_AUTO_TEST_CASE(an_unencrypted_key_needs_no_pass_phrase)
{
    bool called = false;
    auto const passphrase = [&]
    {
        called = true;
        return secret(phrase);
    };
    loaded(pem(test_key("P-256").private_pem(), passphrase));
    BOOST_TEST(!called);
}

BOOST_AUTO_TEST_CASE(the_certificate_of_a_key_must_match_and_be_valid)
{
    auto const known = make_identity("client");
    auto const key = pem(known.key.private_pem());
    auto const with_it = key.certificate_pem(known.certificate_pem);
    BOOST_TEST(loaded(with_it)->certificate_thumbprint() == known.thumbprint);
    BOOST_TEST(loaded(key)->certificate_thumbprint() == "");
    auto const input = text(crypto::jws_signing_input(crypto::assertion_jwt({}, *loaded(with_it))));
    auto const header = boost::json::parse(from_base64url(input.substr(0, input.find('.'))));
    BOOST_TEST(std::string_view(header.at("x5t#S256").as_string()) == known.thumbprint);

    temporary_file const file(known.certificate_pem);
    BOOST_TEST(
        loaded(key.certificate_file(file.path.string()))->certificate_thumbprint() ==
        known.thumbprint);

    check_refused(
        key.certificate_pem(make_identity("client").certificate_pem), "belongs to another key");
    check_refused(key.certificate_pem(cut(known.certificate_pem)), "is no PEM certificate");
    check_refused(
        key.certificate_file("/nowhere.pem"), "certificate '/nowhere.pem' cannot be read");
    check_refused(key.certificate_file(known.certificate_pem), "use signing_key::certificate_pem");
    check_refused(with_it.certificate_file(file.path.string()), "is given twice");

    struct row
    {
        std::chrono::seconds later;
        char const* says;
    };
    auto const now = std::chrono::system_clock::now();
    for (auto const& [later, says] :
         {row{3500s, "success"}, row{3700s, "has expired; give the one that replaced it"},
          row{-7100s, "success"}, row{-7300s, "is not valid yet; check the clock"}})
        BOOST_TEST_CONTEXT(later.count())
        {
            auto const got = load(with_it, now + later);
            check_contains(got ? "success" : got.error().message(), says);
        }
}

// Without the key, only the validity of the certificate can be checked.
BOOST_AUTO_TEST_CASE(the_certificate_of_a_signer_must_be_valid)
{
    auto const known = make_identity("client");
    auto const sign = [](std::string const&, std::function<void(result<std::string>)> const&) {};
    auto const key = signing_key::signer(coauth::signature_algorithm::ps256, sign);
    auto const tested = loaded(key.certificate_pem(known.certificate_pem));
    BOOST_TEST(tested->certificate_thumbprint() == known.thumbprint);
    BOOST_TEST(tested->public_jwk() == "");
    check_refused(
        key.certificate_pem(make_identity("client", nullptr, false, -60).certificate_pem),
        "has expired");
}

BOOST_AUTO_TEST_CASE(the_certificate_of_a_key_may_be_in_the_header)
{
    auto const ca = make_identity("CA", nullptr, true);
    auto const known = make_identity("client", &ca);
    auto const key = pem(known.key.private_pem());
    auto const chain = known.certificate_pem + ca.certificate_pem;
    auto const header_with = [](signing_key const& from)
    {
        auto const input =
            text(crypto::jws_signing_input(crypto::assertion_jwt({}, *loaded(from))));
        return boost::json::parse(from_base64url(input.substr(0, input.find('.')))).as_object();
    };
    auto const plain = header_with(key.certificate_pem(chain));
    BOOST_TEST(!plain.contains("x5t"));
    BOOST_TEST(!plain.contains("x5c"));
    auto const both = header_with(key.key_id("k").certificate_pem(chain).x5t().x5c());
    BOOST_TEST(from_base64url(std::string(both.at("x5t").as_string())).size() == 20U);
    BOOST_TEST(std::string_view(both.at("x5t#S256").as_string()) == known.thumbprint);
    BOOST_TEST(std::string_view(both.at("kid").as_string()) == "k");
    auto const& x5c = both.at("x5c").as_array();
    BOOST_TEST_REQUIRE(x5c.size() == 2U);
    // Base64 of the same DER as in the PEM text, without its lines.
    for (std::size_t i = 0; i < 2; ++i)
    {
        auto lines = i == 0 ? known.certificate_pem : ca.certificate_pem;
        lines = lines.substr(lines.find('\n'), lines.rfind("-----END") - lines.find('\n'));
        std::erase(lines, '\n');
        BOOST_TEST(std::string_view(x5c[i].as_string()) == lines);
    }
    check_refused(key.x5c(), "its certificate is missing, which x5t and x5c need");
    check_refused(key.x5t(), "its certificate is missing, which x5t and x5c need");
    check_refused(
        key.certificate_pem(known.certificate_pem + cut(ca.certificate_pem)).x5c(),
        "the block that begins there does not end; give the whole file");
}

BOOST_AUTO_TEST_CASE(a_signer_may_have_a_public_key)
{
    auto const sign = [](std::string const&, std::function<void(result<std::string>)> const&) {};
    test_key const key("P-256");
    auto const by = signing_key::signer(coauth::signature_algorithm::es256, sign);
    BOOST_TEST(loaded(by)->thumbprint().empty());
    BOOST_TEST(loaded(by.public_key(key.public_pem()))->thumbprint() == key.thumbprint());
    BOOST_TEST(
        loaded(by.public_key(boost::json::serialize(key.jwk())))->thumbprint() == key.thumbprint());
    auto const known = make_identity("client");
    BOOST_TEST(
        loaded(by.certificate_pem(known.certificate_pem))->thumbprint() == known.key.thumbprint());
    check_refused(by.public_key("hush"), "its public key is neither PEM");
    check_refused(by.public_key("{}"), "its public key is neither PEM");
    check_refused(by.public_key(test_key("RSA").public_pem()), "does not fit the algorithm ES256");
    check_refused(
        by.public_key(key.public_pem()).certificate_pem(known.certificate_pem),
        "belongs to another key");
}

BOOST_AUTO_TEST_SUITE_END()
