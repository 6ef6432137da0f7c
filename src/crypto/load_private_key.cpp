#include "crypto/digest.hpp"
#include "crypto/jwk.hpp"
#include "crypto/openssl_error.hpp"
#include "crypto/pem.hpp"
#include "crypto/private_key.hpp"
#include "crypto/read_private_key.hpp"
#include "values/encoding.hpp"
#include "values/json_document.hpp"
#include "values/signing_key_data.hpp"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>

namespace coauth::crypto
{
namespace
{

using enum signature_algorithm;

std::string curve_of(EVP_PKEY* key)
{
    std::array<char, 80> name{};
    std::size_t size = 0;
    clear_errors();
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1)
        throw_if_out_of_memory();
    return {name.data(), size};
}

// An RSA-PSS key may be restricted to a digest and to a minimum size of the salt (RFC 4055 section
// 1.2).
std::vector<signature_algorithm> supported_pss_algorithms(EVP_PKEY* key)
{
    struct digest
    {
        signature_algorithm algorithm;
        EVP_MD const* function;
    };
    std::vector<signature_algorithm> supported;
    for (auto const& [algorithm, function] :
         {digest{ps256, EVP_sha256()}, digest{ps384, EVP_sha384()}, digest{ps512, EVP_sha512()}})
    {
        openssl_ptr<EVP_MD_CTX> const context(EVP_MD_CTX_new());
        EVP_PKEY_CTX* options = nullptr;
        if (context && EVP_DigestSignInit(context.get(), &options, function, nullptr, key) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1)
            supported.push_back(algorithm);
    }
    throw_if_out_of_memory();
    return supported;
}

// The algorithms of a kind of key, the default first. Empty: the kind is not supported.
std::vector<signature_algorithm> supported_algorithms(EVP_PKEY* key)
{
    switch (EVP_PKEY_get_base_id(key))
    {
    case EVP_PKEY_RSA:
        return {rs256, rs384, rs512, ps256, ps384, ps512};
    case EVP_PKEY_RSA_PSS:
        return supported_pss_algorithms(key);
    case EVP_PKEY_ED25519:
        return {eddsa, ed25519};
    case EVP_PKEY_EC:
    {
        auto const curve = curve_of(key);
        if (curve == "prime256v1")
            return {es256};
        if (curve == "secp384r1")
            return {es384};
        if (curve == "secp521r1")
            return {es512};
        return {};
    }
    default:
        return {};
    }
}

bool is_rsa(EVP_PKEY* key)
{
    int const id = EVP_PKEY_get_base_id(key);
    return id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS;
}

result<std::vector<signature_algorithm>> select_algorithms(
    EVP_PKEY* key, std::optional<signature_algorithm> wanted, std::string const& subject)
{
    auto supported = supported_algorithms(key);
    if (supported.empty())
        return pem_error(
            subject + " is of a kind that is not supported; give an RSA, P-256, P-384, P-521 or "
                      "Ed25519 key");
    if (is_rsa(key) && EVP_PKEY_get_bits(key) < 2048)
        return pem_error(
            subject + " is an RSA key of " + std::to_string(EVP_PKEY_get_bits(key)) +
            " bits; it must have at least 2048 (RFC 7518 section 3.3)");
    if (!wanted)
        return supported;
    if (std::find(supported.begin(), supported.end(), *wanted) != supported.end())
        return std::vector<signature_algorithm>{*wanted};
    std::string names;
    for (auto const algorithm : supported)
        names.append(names.empty() ? "" : ", ").append(to_string(algorithm));
    return pem_error(
        subject + " does not fit the algorithm " + std::string(to_string(*wanted)) +
        "; it signs by " + names);
}

// Null: it is neither PEM nor a JSON Web Key.
openssl_ptr<EVP_PKEY> read_public_key(std::string const& text)
{
    clear_errors();
    if (is_json(text))
    {
        auto const jwk = detail::json_document::parse(text);
        return jwk ? read_public_jwk(*jwk) : nullptr;
    }
    auto const bio = memory_bio(text);
    return openssl_ptr<EVP_PKEY>(
        bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr);
}

bool is_pem_text(std::string const& path)
{
    return path.find("-----BEGIN") != std::string::npos;
}

std::string encoded_digest(X509 const* certificate, EVP_MD const* function)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (X509_digest(certificate, function, digest.data(), &size) != 1)
        throw std::bad_alloc();
    return detail::base64url({reinterpret_cast<char const*>(digest.data()), size});
}

// A JSON array of the certificates in base64 with padding (RFC 7515 section 4.1.6).
std::string encoded_chain(std::vector<openssl_ptr<X509>> const& chain)
{
    secret text("[");
    for (auto const& certificate : chain)
    {
        unsigned char* der = nullptr;
        int const size = i2d_X509(certificate.get(), &der);
        if (size <= 0)
            throw std::bad_alloc();
        text.append(text.size() > 1 ? ",\"" : "\"");
        detail::append_base64(
            text, {reinterpret_cast<char const*>(der), static_cast<std::size_t>(size)});
        text.append('"');
        OPENSSL_free(der);
    }
    text.append(']');
    return std::string(text.view());
}

result<void> check_validity(
    X509 const* certificate, std::chrono::system_clock::time_point now,
    std::string const& certificate_name)
{
    auto const seconds = std::chrono::system_clock::to_time_t(now);
    if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), seconds) < 0)
        return pem_error(certificate_name + " has expired; give the one that replaced it");
    if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), seconds) > 0)
        return pem_error(certificate_name + " is not valid yet; check the clock");
    return {};
}

} // namespace

// Reads the parts of a key in turn; each step may fail.
class private_key::loader
{
public:
    loader(detail::signing_key_data const& data, std::string subject)
        : data_(data)
        , subject_(std::move(subject))
        , key_(new private_key())
    {
        key_->key_id_ = data.key_id;
        key_->signer_ = data.sign;
    }

    result<std::shared_ptr<private_key const>> load(std::chrono::system_clock::time_point now)
    {
        // The text of a key must not get into a message as a path.
        if (is_pem_text(data_.path))
            return pem_error(subject_ + " is PEM text where a path belongs; use signing_key::pem");
        if (auto const done = data_.sign ? use_signer() : read_key(); !done)
            return done.error();
        if (auto const done = read_certificate(now); !done)
            return done.error();
        ERR_clear_error();
        return std::shared_ptr<private_key const>(std::move(key_));
    }

private:
    result<void> use_signer()
    {
        key_->algorithms_ = {data_.algorithm.value_or(rs256)};
        if (key_->algorithm() <= hs512)
            return pem_error(
                subject_ + " is a function, which cannot sign by HMAC; name another algorithm");
        if (data_.public_key.empty())
            return {};
        public_ = read_public_key(data_.public_key);
        if (!public_)
            return pem_error(
                subject_ +
                ": its public key is neither PEM (-----BEGIN PUBLIC KEY-----) nor a JSON "
                "Web Key of the type RSA, EC or OKP");
        return use_public_key();
    }

    // A function signs with the private half.
    result<void> use_public_key()
    {
        auto const fits = select_algorithms(public_.get(), key_->algorithm(), subject_);
        if (!fits)
            return fits.error();
        key_->public_jwk_ = crypto::public_jwk(public_.get(), key_->algorithm());
        key_->thumbprint_ = detail::base64url(sha256(key_->public_jwk_));
        return {};
    }

    result<void> read_key()
    {
        secret text = data_.pem;
        if (!data_.path.empty())
        {
            auto const file = pem_file(data_.path, subject_);
            subject_ = file.name();
            auto contents = file.read();
            if (!contents)
                return contents.error();
            text = std::move(contents->text);
        }
        auto read = read_signing_key(
            text.view(), data_.passphrase, subject_, "the function that returns the pass-phrase");
        if (!read)
            return read.error();
        clear_errors();
        // A JSON Web Key names its `kid`, and its `alg` if it must sign with no other.
        if (key_->key_id_.empty())
            key_->key_id_ = read->key_id;
        auto const algorithm = data_.algorithm ? data_.algorithm : read->algorithm;
        auto algorithms = select_algorithms(read->key.get(), algorithm, subject_);
        if (!algorithms)
            return algorithms.error();
        key_->algorithms_ = std::move(*algorithms);
        key_->key_ = std::move(read->key);
        key_->public_jwk_ = crypto::public_jwk(key_->key_.get(), key_->algorithm());
        key_->thumbprint_ = detail::base64url(sha256(key_->public_jwk_));
        return {};
    }

    // PEM text. Empty: the key has no certificate.
    [[nodiscard]] result<secret> certificate_text() const
    {
        auto const& path = data_.certificate_path;
        if (path.empty())
            return secret(data_.certificate_pem);
        if (!data_.certificate_pem.empty())
            return pem_error(
                certificate_name() + " is given twice, as PEM text and as a file; give one");
        if (is_pem_text(path))
            return pem_error(
                certificate_name() + " is PEM text where a path belongs; use "
                                     "signing_key::certificate_pem");
        auto contents = pem_file(path, certificate_name()).read();
        if (!contents)
            return contents.error();
        return std::move(contents->text);
    }

    // The chain only where it is sent: others have used the first certificate whatever follows.
    [[nodiscard]] result<std::vector<openssl_ptr<X509>>> read_chain(std::string_view text) const
    {
        if (data_.x5c)
            return read_certificates(text, certificate_place());
        std::vector<openssl_ptr<X509>> first;
        if (auto certificate = crypto::read_certificate(text))
            first.push_back(std::move(certificate));
        return first;
    }

    result<void> read_certificate(std::chrono::system_clock::time_point now)
    {
        auto const text = certificate_text();
        if (!text)
            return text.error();
        if (text->empty() && (data_.x5t || data_.x5c))
            return pem_error(
                certificate_name() + " is missing, which x5t and x5c need; give it by "
                                     "signing_key::certificate_file or certificate_pem");
        if (text->empty())
            return {};
        auto const chain = read_chain(text->view());
        if (!chain)
            return chain.error();
        if (chain->empty())
            return pem_error(
                certificate_place() +
                " is no PEM certificate; it must contain -----BEGIN CERTIFICATE-----");
        auto const& certificate = chain->front();
        auto* const key = key_->key_ ? key_->key_.get() : public_.get();
        if (key != nullptr && X509_check_private_key(certificate.get(), key) != 1)
            return pem_error(certificate_place() + " belongs to another key");
        if (key == nullptr)
        {
            clear_errors();
            public_.reset(X509_get_pubkey(certificate.get()));
            // A certificate of another kind of key is no obstacle to assertions.
            if (public_)
                (void)use_public_key();
            else
                throw_if_out_of_memory();
        }
        if (auto const valid = check_validity(certificate.get(), now, certificate_place()); !valid)
            return valid.error();
        key_->certificate_thumbprint_ = encoded_digest(certificate.get(), EVP_sha256());
        if (data_.x5t)
            key_->certificate_x5t_ = encoded_digest(certificate.get(), EVP_sha1());
        if (data_.x5c)
            key_->certificate_x5c_ = encoded_chain(*chain);
        return {};
    }

    [[nodiscard]] std::string certificate_name() const { return subject_ + ": its certificate"; }
    [[nodiscard]] std::string certificate_place() const
    {
        auto const& path = data_.certificate_path;
        return path.empty() ? certificate_name() : certificate_name() + " '" + path + "'";
    }

    detail::signing_key_data const& data_;
    std::string subject_;
    std::shared_ptr<private_key> key_;
    // Of a signer.
    openssl_ptr<EVP_PKEY> public_;
};

result<std::shared_ptr<private_key const>> private_key::load(
    signing_key const& source, std::string_view subject, std::chrono::system_clock::time_point now)
{
    auto const& data = detail::signing_key_access::data(source);
    if (!data)
        return pem_error(
            std::string(subject) +
            " is empty; use signing_key::pem_file or another of its functions");
    return loader(*data, std::string(subject)).load(now);
}

} // namespace coauth::crypto
