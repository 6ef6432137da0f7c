// Keys of every kind, made anew for each run.

#include "protocol/assertion_key.hpp"

#include "support.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

using namespace test;
using coauth::secret;
using coauth::signing_key;
using key_type = coauth::protocol::assertion_key;
using enum coauth::signature_algorithm;

namespace
{

std::chrono::system_clock::time_point const some_time{1'800'000'000s};

using key_ptr = std::shared_ptr<EVP_PKEY>;

key_ptr made(EVP_PKEY* key)
{
    BOOST_TEST_REQUIRE(key != nullptr);
    return {key, EVP_PKEY_free};
}

key_ptr ec_key(char const* curve)
{
    return made(EVP_EC_gen(curve));
}

key_ptr rsa_key(std::size_t bits)
{
    return made(EVP_RSA_gen(static_cast<unsigned>(bits)));
}

template <class Write>
std::string pem_by(Write write)
{
    std::unique_ptr<BIO, int (*)(BIO*)> const out(BIO_new(BIO_s_mem()), BIO_free);
    BOOST_TEST_REQUIRE(write(out.get()) == 1);
    char* text = nullptr;
    auto const size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string pem(key_ptr const& key, std::string phrase = {})
{
    return pem_by(
        [&](BIO* out)
        {
            return PEM_write_bio_PrivateKey(
                out, key.get(), phrase.empty() ? nullptr : EVP_aes_128_cbc(),
                reinterpret_cast<unsigned char*>(phrase.data()), static_cast<int>(phrase.size()),
                nullptr, nullptr);
        });
}

// Valid from and until so many seconds after `some_time`.
std::string certificate(key_ptr const& key, long from, long until)
{
    std::unique_ptr<X509, void (*)(X509*)> const made(X509_new(), X509_free);
    auto const time = std::chrono::system_clock::to_time_t(some_time);
    ASN1_TIME_set(X509_getm_notBefore(made.get()), time + from);
    ASN1_TIME_set(X509_getm_notAfter(made.get()), time + until);
    X509_set_pubkey(made.get(), key.get());
    BOOST_TEST_REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) != 0);
    return pem_by([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); });
}

coauth::result<std::shared_ptr<key_type const>> load(signing_key const& from)
{
    return key_type::load(from, "the key", some_time);
}

void check_refused(signing_key const& key, std::string_view says)
{
    BOOST_TEST_CONTEXT(says)
    {
        auto const loaded = load(key);
        BOOST_TEST_REQUIRE(outcome(loaded) == "invalid_configuration");
        check_contains(loaded.error().message(), says);
    }
}

signing_key by_text(std::string text, coauth::secret_function phrase = {})
{
    return signing_key::pem(secret(std::move(text)), std::move(phrase));
}

} // namespace

BOOST_AUTO_TEST_SUITE(assertion_key)

BOOST_AUTO_TEST_CASE(every_kind_signs)
{
    struct row
    {
        key_ptr key;
        std::vector<coauth::signature_algorithm> algorithms;
        std::size_t size;
        char const* jwk;
    };
    for (auto const& row : std::vector<row>{
             {rsa_key(2048), {rs256, rs384, rs512, ps256, ps384, ps512}, 256, R"("kty":"RSA")"},
             {ec_key("P-256"), {es256}, 64, R"("crv":"P-256")"},
             {ec_key("P-384"), {es384}, 96, R"("crv":"P-384")"},
             {ec_key("P-521"), {es512}, 132, R"("crv":"P-521")"},
             {made(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")),
              {eddsa},
              64,
              R"("crv":"Ed25519")"},
         })
    {
        auto const key = by_text(pem(row.key));
        BOOST_TEST_REQUIRE(outcome(load(key)) == "success");
        BOOST_TEST(((*load(key))->algorithms() == row.algorithms));
        for (auto const algorithm : row.algorithms)
            BOOST_TEST_CONTEXT(to_string(algorithm))
            {
                auto const loaded = load(key.algorithm(algorithm));
                BOOST_TEST_REQUIRE(outcome(loaded) == "success");
                BOOST_TEST(((*loaded)->algorithm() == algorithm));
                auto const signature = (*loaded)->sign("header.claims");
                BOOST_TEST_REQUIRE(outcome(signature) == "success");
                BOOST_TEST(signature->size() == row.size);
                check_contains((*loaded)->public_jwk(), row.jwk);
                BOOST_TEST((*loaded)->thumbprint().size() == 43U);
            }
    }
}

BOOST_AUTO_TEST_CASE(kinds_that_are_refused)
{
    check_refused(by_text(pem(ec_key("secp256k1"))), "is of a kind that is not supported");
    check_refused(
        by_text(pem(made(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")))),
        "is of a kind that is not supported");
    check_refused(by_text(pem(rsa_key(1024))), "is an RSA key of 1024 bits");
    check_refused(
        by_text(pem(rsa_key(2048))).algorithm(es256),
        "it signs by RS256, RS384, RS512, PS256, PS384, PS512");
}

BOOST_AUTO_TEST_CASE(pass_phrases)
{
    auto const text = pem(ec_key("P-256"), "open sesame");
    auto const say = [](std::string said) -> coauth::secret_function
    {
        return [said]() -> coauth::result<secret> { return secret(said); };
    };
    BOOST_TEST(outcome(load(by_text(text, say("open sesame")))) == "success");
    check_refused(by_text(text), "is encrypted; give a function that knows the pass-phrase");
    check_refused(by_text(text, say("open barley")), "is not opened by this pass-phrase");
    check_refused(by_text(text, say(std::string(5000, 'x'))), "is not opened by this pass-phrase");
    check_refused(
        by_text(text, []() -> coauth::result<secret> { throw std::runtime_error("lost"); }),
        "is not opened by this pass-phrase");
    check_refused(
        by_text(
            text, []() -> coauth::result<secret> { return coauth::error(coauth::errc::timeout); }),
        "the pass-phrase cannot be had");
}

BOOST_AUTO_TEST_CASE(files)
{
    auto const path =
        (std::filesystem::temp_directory_path() / ("coauth_key_" + std::to_string(getpid())))
            .string();
    std::ofstream(path) << pem(ec_key("P-256"));
    BOOST_TEST(outcome(load(signing_key::pem_file(path))) == "success");
    std::ofstream(path) << std::string(65'537, 'x');
    check_refused(signing_key::pem_file(path), "is empty or larger than 64 KiB");
    std::filesystem::remove(path);
    check_refused(
        signing_key::pem_file(std::filesystem::temp_directory_path().string()), "cannot be read");
}

BOOST_AUTO_TEST_CASE(certificates)
{
    auto const key = ec_key("P-256");
    auto const good = by_text(pem(key));
    auto const loaded = load(good.certificate_pem(certificate(key, -10, 10)));
    BOOST_TEST_REQUIRE(outcome(loaded) == "success");
    BOOST_TEST((*loaded)->certificate_thumbprint().size() == 43U);
    check_refused(
        good.certificate_pem(certificate(ec_key("P-256"), -10, 10)), "is that of another key");
    check_refused(good.certificate_pem(certificate(key, -10, -5)), "has expired");
    check_refused(good.certificate_pem(certificate(key, 5, 10)), "is not valid yet");
    check_refused(by_text(certificate(key, -10, 10)), "a public key or a certificate alone");
}

BOOST_AUTO_TEST_CASE(functions_that_sign)
{
    auto const sign = [](std::string const&,
                         std::function<void(coauth::result<std::string>)> const&) {};
    auto const key = ec_key("P-256");
    auto const loaded =
        load(signing_key::signer(es256, sign).certificate_pem(certificate(key, -10, 10)));
    BOOST_TEST_REQUIRE(outcome(loaded) == "success");
    BOOST_TEST((*loaded)->public_jwk().empty());
    BOOST_TEST(outcome((*loaded)->sign("x")) == "invalid_configuration");
}

BOOST_AUTO_TEST_SUITE_END()
