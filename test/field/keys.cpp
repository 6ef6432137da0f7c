// Private keys as people paste them into files, environments and configurations.

#include <coauth/jwt_assertion.hpp>

#include "changed_text.hpp"
#include "key_files.hpp"
#include "scratch_file.hpp"
#include "test_keys.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(keys)

namespace
{

using namespace std::string_literals;
using namespace test;
using coauth::secret;
using coauth::secret_provider;
using coauth::signing_key;
namespace files = test::key_files;
namespace json = boost::json;

constexpr char const* phrase = "open-sesame";

secret_provider returning(std::string text)
{
    return [text = std::move(text)] { return secret(std::string_view(text)); };
}

coauth::result<secret> sign(signing_key const& key)
{
    coauth::assertion_claims claims;
    claims.issuer = "robot";
    claims.audience = "https://auth.example.com";
    return coauth::jwt_assertion(key, claims)();
}

signing_key from_text(std::string_view text, secret_provider passphrase = {})
{
    return signing_key::pem(secret(text), std::move(passphrase));
}

// "Proc-Type: 4,ENCRYPTED" and "DEK-Info: ..".
bool costs_header_fields(std::string_view damage)
{
    for (std::string_view const one :
         {"one line without spaces", "no-break spaces", "a quoted mail", "comments",
          "a quoted string for each line", "another kind in the END line", "base64 of DER",
          "base64 of DER in one line", "invisible spaces"})
        if (damage == one)
            return true;
    return false;
}

// Bytes that were written in base64.
std::string decoded(char const* base64)
{
    std::string text(base64);
    text.erase(text.find_last_not_of('=') + 1);
    for (char& c : text)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    return from_base64url(text);
}

void check_signs(
    signing_key const& key, test_key const& expected, std::string_view algorithm = "ES256")
{
    auto const token = sign(key);
    BOOST_TEST_REQUIRE(bool(token), (token ? "" : token.error().message()));
    auto const text = token->view();
    auto const dot = text.rfind('.');
    BOOST_TEST(part_of(text, 0).at("alg").as_string() == algorithm);
    BOOST_TEST(
        expected.verifies(algorithm, text.substr(0, dot), from_base64url(text.substr(dot + 1))));
}

void check_refused(signing_key const& key, std::vector<std::string> const& words)
{
    auto const token = sign(key);
    BOOST_TEST_REQUIRE(!token);
    BOOST_TEST((token.error() == coauth::errc::invalid_configuration));
    auto const message = token.error().message();
    for (auto const& word : words)
        BOOST_TEST(message.find(word) != std::string::npos, word << " is not in: " << message);
    BOOST_TEST(message.find(phrase) == std::string::npos, message);
}

test_key p256()
{
    return test_key::from_pem(files::p256);
}

std::string p256_traditional()
{
    return "-----BEGIN EC PRIVATE KEY-----\n" + std::string(files::traditional_der) +
           "\n-----END EC PRIVATE KEY-----\n";
}

std::string number(test_key const& key, char const* name, std::size_t size)
{
    BIGNUM* value = nullptr;
    BOOST_TEST_REQUIRE(EVP_PKEY_get_bn_param(key.get(), name, &value) == 1);
    std::vector<unsigned char> bytes(
        size == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : size);
    BN_bn2binpad(value, bytes.data(), static_cast<int>(bytes.size()));
    BN_free(value);
    return base64url(std::string(bytes.begin(), bytes.end()));
}

json::object private_jwk(test_key const& key, std::string const& kind)
{
    auto jwk = key.jwk();
    if (kind == "Ed25519")
    {
        std::vector<unsigned char> bytes(32);
        std::size_t size = bytes.size();
        BOOST_TEST_REQUIRE(EVP_PKEY_get_raw_private_key(key.get(), bytes.data(), &size) == 1);
        jwk["d"] = base64url(std::string(bytes.begin(), bytes.end()));
    }
    else if (kind == "RSA")
    {
        jwk["d"] = number(key, OSSL_PKEY_PARAM_RSA_D, 0);
        jwk["p"] = number(key, OSSL_PKEY_PARAM_RSA_FACTOR1, 0);
        jwk["q"] = number(key, OSSL_PKEY_PARAM_RSA_FACTOR2, 0);
        jwk["dp"] = number(key, OSSL_PKEY_PARAM_RSA_EXPONENT1, 0);
        jwk["dq"] = number(key, OSSL_PKEY_PARAM_RSA_EXPONENT2, 0);
        jwk["qi"] = number(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 0);
    }
    else
        jwk["d"] = number(
            key, OSSL_PKEY_PARAM_PRIV_KEY,
            kind == "P-256"   ? 32
            : kind == "P-384" ? 48
                              : 66);
    return jwk;
}

struct text_damage
{
    char const* name;
    std::string (*damage)(std::string const&);
};

text_damage const damages[] = {
    {"as it is", [](auto const& pem) { return pem; }},
    {"\\n as two characters", [](auto const& pem) { return replaced(pem, "\n", "\\n"); }},
    {"\\r\\n as four characters", [](auto const& pem) { return replaced(pem, "\n", "\\r\\n"); }},
    {"escaped twice", [](auto const& pem) { return replaced(pem, "\n", "\\\\n"); }},
    {"a JSON string", [](auto const& pem) { return json::serialize(json::value(pem)); }},
    {"slashes escaped too",
     [](auto const& pem) { return replaced(replaced(pem, "\n", "\\n"), "/", "\\/"); }},
    {"a service account's JSON file", [](auto const& pem)
     { return json::serialize(json::object{{"type", "service_account"}, {"private_key", pem}}); }},
    {"indented, as in YAML",
     [](auto const& pem) { return "    " + replaced(pem, "\n", "\n    "); }},
    {"indented by tabs", [](auto const& pem) { return "\t" + replaced(pem, "\n", "\n\t"); }},
    {"spaces at the ends of lines", [](auto const& pem) { return replaced(pem, "\n", "  \n"); }},
    {"CRLF", [](auto const& pem) { return replaced(pem, "\n", "\r\n"); }},
    {"CR", [](auto const& pem) { return replaced(pem, "\n", "\r"); }},
    {"CRLF twice", [](auto const& pem) { return replaced(pem, "\n", "\r\r\n"); }},
    {"double quotes", [](auto const& pem) { return '"' + pem + '"'; }},
    {"single quotes and spaces", [](auto const& pem) { return " '" + pem + "' \n"; }},
    {"a quote before each end",
     [](auto const& pem) { return '"' + replaced(pem, "\n", "\\n") + "\"\n"; }},
    {"no line break at the end", [](auto const& pem) { return pem.substr(0, pem.size() - 1); }},
    {"white space around it", [](auto const& pem) { return "\n\n  " + pem + "\n \n"; }},
    {"empty lines between", [](auto const& pem) { return replaced(pem, "\n", "\n\n"); }},
    {"a byte order mark", [](auto const& pem) { return "\xEF\xBB\xBF" + pem; }},
    {"one line with spaces", [](auto const& pem) { return replaced(pem, "\n", " "); }},
    {"one line without spaces", [](auto const& pem) { return replaced(pem, "\n", ""); }},
    {"base64 of the whole", [](auto const& pem) { return in_base64(pem) + "\n"; }},
    {"base64 twice", [](auto const& pem) { return in_base64(in_base64(pem)); }},
    {"UTF-16 of Windows", [](auto const& pem) { return utf16(pem, false); }},
    {"UTF-16, big-endian", [](auto const& pem) { return utf16(pem, true); }},
    {"UTF-16 without a mark", [](auto const& pem) { return utf16(pem, false).substr(2); }},
    {"percent-encoded", [](auto const& pem) { return percent_encoded(pem, false); }},
    {"encoded as in a form", [](auto const& pem) { return percent_encoded(pem, true); }},
    {"%0A for each line's end", [](auto const& pem) { return replaced(pem, "\n", "%0A"); }},
    {"\\u000a", [](auto const& pem) { return replaced(pem, "\n", "\\u000a"); }},
    {"a YAML block", [](auto const& pem) { return "key: |\n  " + replaced(pem, "\n", "\n  "); }},
    {"a line of a shell",
     [](auto const& pem) { return "export KEY=\"" + replaced(pem, "\n", "\\n") + "\""; }},
    {"no-break spaces", [](auto const& pem) { return replaced(pem, "\n", "\n\xC2\xA0"); }},
    {"invisible spaces", [](auto const& pem) { return replaced(pem, "\n", "\xE2\x80\x8B\n"); }},
    {"a quoted mail", [](auto const& pem) { return "> " + replaced(pem, "\n", "\n> "); }},
    {"comments", [](auto const& pem) { return "# " + replaced(pem, "\n", "\n# "); }},
    {"a quoted string for each line",
     [](auto const& pem) { return '"' + replaced(pem, "\n", "\\n\"\n\"") + '"'; }},
    {"another kind in the END line",
     [](auto const& pem) { return replaced(pem, "-----END ", "-----END RSA "); }},
    {"base64 of DER", without_markers},
    {"base64 of DER in one line",
     [](auto const& pem) { return replaced(without_markers(pem), "\n", ""); }},
    {"NUL bytes at the end", [](auto const& pem) { return pem + std::string(9, '\0'); }},
    {"text around it",
     [](auto const& pem) { return "Bag Attributes\n  a: b\n" + pem + "more text\n"; }},
};

struct key_format
{
    char const* name;
    std::string text;
    secret_provider passphrase = {};
    // What the message contains if the format is refused.
    std::vector<std::string> words = {};
};

std::vector<key_format> readable_formats()
{
    auto const right = returning(phrase);
    return {
        {"labelled as another kind", replaced(files::p256, " PRIVATE", " RSA PRIVATE"), {}},
        {"the traditional form labelled as PKCS #8", replaced(p256_traditional(), "EC ", ""), {}},
        {"PKCS #12 in base64", files::pkcs12, right},
        {"PKCS #12 without a password, one given", decoded(files::pkcs12_empty_password), right},
        {"encrypted DER in base64", files::encrypted_der, right},
        {"parameters before the key", std::string(files::parameters) + p256_traditional(), {}},
        {"explicit parameters", files::explicit_parameters, {}},
        {"DER", decoded(files::der), {}},
        {"traditional DER", decoded(files::traditional_der), {}},
        {"encrypted DER", decoded(files::encrypted_der), right},
        {"PKCS #12", decoded(files::pkcs12), right},
        {"PKCS #12, old", decoded(files::pkcs12_legacy), right},
        {"PKCS #12, empty password", decoded(files::pkcs12_empty_password), {}},
        {"PKCS #12, empty password given", decoded(files::pkcs12_empty_password), returning("")},
    };
}

std::vector<key_format> refused_formats()
{
    auto const right = returning(phrase);
    auto const wrong = returning("wrong");
    return {
        {"PKCS #12 in base64, wrong password", files::pkcs12, wrong, {"PKCS #12"}},
        {"a key store of Java",
         "\xFE\xED\xFE\xED"s + std::string(8, '\0'),
         {},
         {"Java key store", "keytool -importkeystore"}},
        {"the public half of OpenSSH", "ssh-ed25519 AAAAC3 me@x", {}, {"public half"}},
        {"PGP", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n", {}, {"a PGP key"}},
        {"nothing", "\n", {}, {"is empty"}},
        {"a path", "/etc/keys/client.key\n", {}, {"looks like a path"}},
        {"hyphens of a word processor",
         replaced(files::p256, "-----", "\xE2\x80\x94\xE2\x80\x94-"),
         {},
         {"five hyphens"}},
        {"four hyphens", replaced(files::p256, "-----", "----"), {}, {"five hyphens"}},
        {"a mail", "Dear Sir or Madam", {}, {"holds no PEM private key", "PKCS #12 or DER"}},
        {"encrypted DER, wrong", decoded(files::encrypted_der), wrong, {"pass-phrase; check"}},
        {"PKCS #12 without its password",
         decoded(files::pkcs12),
         {},
         {"PKCS #12", "give the function that returns the pass-phrase",
          "openssl pkcs12 -in FILE -nocerts"}},
        {"PKCS #12, wrong password",
         decoded(files::pkcs12),
         wrong,
         {"PKCS #12", "that the password does not open"}},
        {"PKCS #12, cut off", decoded(files::pkcs12).substr(0, 500), right, {"the key"}},
        {"PKCS #12 with a legacy key",
         decoded(files::pkcs12_rc2),
         right,
         {"PKCS #12", "legacy provider", "openssl pkcs12 -legacy"}},
        {"PKCS #12 without a key",
         decoded(files::pkcs12_certificates),
         right,
         {"PKCS #12", "only certificates"}},
        {"OpenSSH", files::openssh, {}, {"OpenSSH's own format", "ssh-keygen -p -m PKCS8"}},
        {"OpenSSH, escaped", replaced(files::openssh, "\n", "\\n"), {}, {"OpenSSH's own format"}},
        {"PuTTY",
         "PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\nEncryption: none\n",
         {},
         {"PuTTY's own format", "puttygen"}},
        {"a key store of Java, encrypted",
         "\xCE\xCE\xCE\xCE"s + std::string(8, '\0'),
         {},
         {"Java key store"}},
        {"SSH Tectia",
         "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2\n",
         {},
         {"SSH Tectia", "ssh-keygen -i"}},
        {"of a TPM", "-----BEGIN TSS2 PRIVATE KEY-----\nMI\n", {}, {"a TPM"}},
        {"XML", "<RSAKeyValue><Modulus>x</Modulus></RSAKeyValue>", {}, {"XML format of .NET"}},
        {"RC2",
         files::rc2,
         right,
         {"pbeWithSHA1And40BitRC2-CBC", "legacy provider", "openssl pkey"}},
        {"MD5 and DES", files::md5_des, right, {"pbeWithMD5AndDES-CBC", "legacy provider"}},
        {"PBES2 and DES", files::pbes2_des, right, {"des-cbc", "legacy provider"}},
        {"DES, traditional", files::traditional_des, right, {"DES-CBC", "legacy provider"}},
        {"RC2 without a pass-phrase", files::rc2, {}, {"legacy provider"}},
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(pem_text_that_was_damaged_on_its_way_is_read)
{
    auto const key = p256();
    for (auto const& [name, damage] : damages)
        for (auto const& [form, pem, passphrase] :
             {std::tuple("plain", std::string(files::p256), secret_provider()),
              std::tuple("encrypted", key.encrypted_pem(phrase), returning(phrase)),
              std::tuple("traditional", key.traditional_pem(phrase), returning(phrase))})
            BOOST_TEST_CONTEXT(name << ", " << form)
            {
                // Without spaces nothing ends the last header field of the traditional form; others
                // cost its fields.
                if (form == "traditional"s && costs_header_fields(name))
                    continue;
                auto const text = damage(pem);
                check_signs(from_text(text, passphrase), key);
                scratch_file const file("field-keys", text);
                check_signs(signing_key::pem_file(file.path(), passphrase), key);
            }
}

BOOST_AUTO_TEST_CASE(text_that_was_cut_is_still_refused)
{
    std::string const pem = files::p256;
    for (auto const& text :
         {pem.substr(0, 100), replaced(pem.substr(0, 150), "\n", "\\n"), pem.substr(28),
          replaced(pem, "MIGH", "")})
        BOOST_TEST_CONTEXT(text.substr(0, 40))
        {
            BOOST_TEST(sign(from_text(text)).has_error());
        }
    check_refused(from_text(replaced(pem.substr(0, 150), "\n", "\\n")), {"give the whole of it"});
}

BOOST_AUTO_TEST_CASE(other_formats_are_read_or_named)
{
    for (auto const& row : readable_formats())
        BOOST_TEST_CONTEXT(row.name)
        {
            check_signs(from_text(row.text, row.passphrase), p256());
        }
    for (auto const& row : refused_formats())
        BOOST_TEST_CONTEXT(row.name)
        {
            check_refused(from_text(row.text, row.passphrase), row.words);
        }
}

BOOST_AUTO_TEST_CASE(rsa_pss_keys_sign_what_they_may)
{
    struct row
    {
        char const* pem;
        std::vector<std::string> algorithms;
        std::string refused;
    };
    for (auto const& row :
         {row{files::rsa_pss, {"PS256", "PS384", "PS512"}, "RS256"},
          row{files::rsa_pss_sha384, {"PS384"}, "PS256"}})
    {
        auto const key = test_key::from_pem(row.pem);
        check_signs(from_text(row.pem), key, row.algorithms.front());
        for (auto const& algorithm : row.algorithms)
            BOOST_TEST_CONTEXT(algorithm)
            {
                check_signs(
                    from_text(row.pem).algorithm(*coauth::parse_signature_algorithm(algorithm)),
                    key, algorithm);
            }
        check_refused(
            from_text(row.pem).algorithm(*coauth::parse_signature_algorithm(row.refused)),
            {"does not fit the algorithm " + row.refused});
    }
}

BOOST_AUTO_TEST_CASE(json_web_keys_are_read)
{
    for (auto const& [kind, algorithm] :
         {std::pair("P-256", "ES256"),
          {"P-384", "ES384"},
          {"P-521", "ES512"},
          {"RSA", "RS256"},
          {"Ed25519", "EdDSA"}})
        BOOST_TEST_CONTEXT(kind)
        {
            test_key const key(kind);
            auto jwk = private_jwk(key, kind);
            check_signs(from_text(json::serialize(jwk)), key, algorithm);
            jwk["kid"] = "2026-11";
            jwk["use"] = "sig";
            jwk["key_ops"] = json::array{"sign", "}{][,\""};
            jwk["alg"] = algorithm;
            auto const text = json::serialize(jwk);
            check_signs(from_text("\n " + text + "\n"), key, algorithm);
            check_signs(from_text("{\"keys\" : [ " + text + " ] }"), key, algorithm);
            // Its own id is used, unless the program sets another.
            BOOST_TEST(
                part_of(sign(from_text(text))->view(), 0).at("kid").as_string() == "2026-11");
            BOOST_TEST(
                part_of(sign(from_text(text).key_id("other"))->view(), 0).at("kid").as_string() ==
                "other");
        }
    // Without the numbers that only save time.
    test_key const rsa("RSA");
    auto few = private_jwk(rsa, "RSA");
    for (auto const* const name : {"p", "q", "dp", "dq", "qi"})
        few.erase(name);
    check_signs(from_text(json::serialize(few)), rsa, "RS256");
    auto pss = private_jwk(rsa, "RSA");
    pss["alg"] = "PS384";
    check_signs(from_text(json::serialize(pss)), rsa, "PS384");
}

BOOST_AUTO_TEST_CASE(json_that_is_no_private_key_is_named)
{
    struct row
    {
        std::string text;
        std::vector<std::string> words;
    };
    auto const jwk = private_jwk(p256(), "P-256");
    auto const other = test_key("P-256").jwk();
    auto changed = [&](char const* name, json::value const& value)
    {
        auto copy = jwk;
        copy[name] = value;
        return json::serialize(copy);
    };
    auto const text = json::serialize(jwk);
    for (auto const& [text_of, words] : std::vector<row>{
             {json::serialize(p256().jwk()), {"public half", "the member d"}},
             {R"({"kty":"oct","k":"AAAA"})", {"symmetric", "client_secret_jwt"}},
             {"{}", {"no JSON Web Key", "kty"}},
             {R"({"a":1})", {"no JSON Web Key", "kty"}},
             {text.substr(0, text.size() / 2), {"JSON that cannot be read"}},
             {text + text, {"JSON that cannot be read"}},
             {"{\"keys\":[" + text + "," + text + "]}", {"several JSON Web Keys"}},
             {changed("crv", "P-384"), {"cannot be used"}},
             {changed("crv", "secp256k1"), {"cannot be used"}},
             {changed("x", other.at("x")), {"cannot be used"}},
             {changed("d", "%%%"), {"cannot be used"}},
             {changed("d", "AAAA"), {"cannot be used"}},
             {changed("alg", "ES384"), {"does not fit the algorithm ES384"}}})
        BOOST_TEST_CONTEXT(text_of.substr(0, 60))
        {
            check_refused(from_text(text_of), words);
            auto const message = sign(from_text(text_of)).error().message();
            BOOST_TEST(message.find(std::string(jwk.at("d").as_string())) == std::string::npos);
        }
}

BOOST_AUTO_TEST_SUITE_END()
