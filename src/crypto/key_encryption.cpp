#include "crypto/key_encryption.hpp"

#include "crypto/openssl_ptr.hpp"
#include "crypto/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

namespace coauth::crypto
{
namespace
{

bool has_cipher(char const* name)
{
    EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
    EVP_CIPHER_free(cipher);
    return cipher != nullptr;
}

bool has_digest(char const* name)
{
    EVP_MD* const digest = EVP_MD_fetch(nullptr, name, nullptr);
    EVP_MD_free(digest);
    return digest != nullptr;
}

std::string name_of(ASN1_OBJECT const* algorithm)
{
    std::array<char, 80> text{};
    OBJ_obj2txt(text.data(), static_cast<int>(text.size()), algorithm, 0);
    return text.data();
}

// PKCS #5 version 2 names the cipher apart from the derivation of the key (RFC 8018 section 6.2).
std::string unavailable_in_pbes2(X509_ALGOR const* algorithm)
{
    openssl_ptr<PBE2PARAM> const parameters(static_cast<PBE2PARAM*>(
        ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter)));
    if (!parameters)
        return {};
    ASN1_OBJECT const* cipher = nullptr;
    X509_ALGOR_get0(&cipher, nullptr, nullptr, parameters->encryption);
    bool const available = has_cipher(OBJ_nid2sn(OBJ_obj2nid(cipher)));
    return available ? std::string() : name_of(cipher);
}

std::string unavailable_in_pkcs8(X509_SIG const* encrypted)
{
    X509_ALGOR const* algorithm = nullptr;
    X509_SIG_get0(encrypted, &algorithm, nullptr);
    ASN1_OBJECT const* object = nullptr;
    X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
    int const id = OBJ_obj2nid(object);
    if (id == NID_pbes2)
        return unavailable_in_pbes2(algorithm);
    int cipher = 0;
    int digest = 0;
    bool const known = EVP_PBE_find(EVP_PBE_TYPE_OUTER, id, &cipher, &digest, nullptr) == 1;
    bool const available =
        known && has_cipher(OBJ_nid2sn(cipher)) && has_digest(OBJ_nid2sn(digest));
    return available ? std::string() : name_of(object);
}

// Of traditional encryption: "DEK-Info: DES-CBC,0123456789ABCDEF" (RFC 1421).
std::string unavailable_in_fields(std::string_view pem)
{
    constexpr std::string_view field = "DEK-Info: ";
    auto const begin = pem.find(field);
    if (begin == std::string_view::npos)
        return {};
    auto const value = pem.substr(begin + field.size());
    std::string name(value.substr(0, value.find_first_of(",\r\n ")));
    return has_cipher(name.c_str()) ? std::string() : name;
}

} // namespace

std::string unavailable_encryption(std::string_view text)
{
    bool const der = text.starts_with('\x30');
    auto const bio = memory_bio(text);
    openssl_ptr<X509_SIG> const encrypted(
        !bio  ? nullptr
        : der ? d2i_PKCS8_bio(bio.get(), nullptr)
              : PEM_read_bio_PKCS8(bio.get(), nullptr, nullptr, nullptr));
    auto name = encrypted ? unavailable_in_pkcs8(encrypted.get()) : unavailable_in_fields(text);
    ERR_clear_error();
    return name;
}

} // namespace coauth::crypto
