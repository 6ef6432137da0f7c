#include "crypto/pkcs12.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/pem.hpp"
#include "values/call_secret_provider.hpp"

#include <openssl/pkcs12.h>

#include <utility>

namespace coauth::crypto
{
namespace
{

using bag_stack = openssl_ptr<STACK_OF(PKCS12_SAFEBAG)>;
using safe_stack = openssl_ptr<STACK_OF(PKCS7)>;

openssl_ptr<PKCS12> parse(std::string_view bytes)
{
    auto const* begin = reinterpret_cast<unsigned char const*>(bytes.data());
    return openssl_ptr<PKCS12>(d2i_PKCS12(nullptr, &begin, static_cast<long>(bytes.size())));
}

// Decrypts the parts of a file with one password.
class reader
{
public:
    // A null pointer and an empty password are different passwords (RFC 7292 appendix B).
    reader(char const* password, int size) : password_(password), size_(size) {}

    // Certificates are often encrypted with a legacy algorithm, keys with a better one: only what
    // holds the key is decrypted.
    openssl_ptr<EVP_PKEY> find_key(PKCS12* file) const
    {
        safe_stack const safes(PKCS12_unpack_authsafes(file));
        for (bool const encrypted : {false, true})
            for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i)
            {
                PKCS7* const safe = sk_PKCS7_value(safes.get(), i);
                bag_stack const bags(
                    encrypted                  ? PKCS7_type_is_encrypted(safe)
                                                     ? PKCS12_unpack_p7encdata(safe, password_, size_)
                                                     : nullptr
                    : PKCS7_type_is_data(safe) ? PKCS12_unpack_p7data(safe)
                                               : nullptr);
                if (auto key = find_key(bags.get()))
                    return key;
            }
        return nullptr;
    }

private:
    openssl_ptr<EVP_PKEY> find_key(STACK_OF(PKCS12_SAFEBAG) const* bags) const
    {
        for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i)
        {
            auto const* const bag = sk_PKCS12_SAFEBAG_value(bags, i);
            openssl_ptr<PKCS8_PRIV_KEY_INFO> decrypted;
            PKCS8_PRIV_KEY_INFO const* info = nullptr;
            if (PKCS12_SAFEBAG_get_nid(bag) == NID_keyBag)
                info = PKCS12_SAFEBAG_get0_p8inf(bag);
            else if (PKCS12_SAFEBAG_get_nid(bag) == NID_pkcs8ShroudedKeyBag)
            {
                decrypted.reset(PKCS12_decrypt_skey(bag, password_, size_));
                info = decrypted.get();
            }
            if (info != nullptr)
                if (openssl_ptr<EVP_PKEY> key{EVP_PKCS82PKEY(info)})
                    return key;
        }
        return nullptr;
    }

    char const* password_;
    int size_;
};

std::string conversion()
{
    return "or convert it: openssl pkcs12 -in FILE -nocerts -out client.key";
}

} // namespace

bool is_pkcs12(std::string_view bytes)
{
    return bytes.starts_with('\x30') && parse(bytes) != nullptr;
}

result<openssl_ptr<EVP_PKEY>> read_pkcs12_key(
    std::string_view bytes, secret_provider const& passphrase, std::string const& subject,
    std::string const& passphrase_source)
{
    clear_errors();
    auto const file = parse(bytes);
    if (!file)
        return pem_error(subject + " is a PKCS #12 file that cannot be read; give the whole of it");
    secret password;
    if (passphrase)
    {
        auto value = detail::call_secret_provider(passphrase, "password");
        if (!value)
            return pem_error(subject + ": " + std::string(value.error().context()));
        password = std::move(*value);
    }
    // OpenSSL expects a null at the end.
    password.append('\0');
    auto const size = static_cast<int>(password.size()) - 1;
    // A file without a password needs none, even where one is given.
    bool const has_mac = PKCS12_mac_present(file.get()) == 1;
    bool const as_null = has_mac && PKCS12_verify_mac(file.get(), nullptr, 0) == 1;
    bool const as_empty = has_mac && !as_null && PKCS12_verify_mac(file.get(), "", 0) == 1;
    bool const opened = as_null || as_empty || !has_mac ||
                        PKCS12_verify_mac(file.get(), password.view().data(), size) == 1;
    if (!opened && !passphrase)
        return pem_error(
            subject + " is a PKCS #12 file with a password; give " + passphrase_source + ", " +
            conversion());
    if (!opened)
        return pem_error(
            subject + " is a PKCS #12 file that the password does not open; check " +
            passphrase_source);
    reader const contents(
        as_null ? nullptr : password.view().data(), as_null || as_empty ? 0 : size);
    auto key = contents.find_key(file.get());
    if (!key)
        return pem_error(
            subject +
            " is a PKCS #12 file without a private key that can be read: it holds only "
            "certificates, " +
            (has_mac ? "" : "the password is wrong, ") +
            "or its key is encrypted with an algorithm of OpenSSL's legacy provider. Convert it: "
            "openssl pkcs12 -legacy -in FILE -nocerts -out "
            "client.key");
    ERR_clear_error();
    return key;
}

} // namespace coauth::crypto
