#include "crypto/pem.hpp"

#include "crypto/openssl_memory.hpp"
#include "values/make_error.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace coauth::pem
{
namespace
{

constexpr std::size_t longest_file = std::size_t(1024) * 1024;

struct closing
{
    void operator()(std::FILE* p) const noexcept { (void)std::fclose(p); }
};

// Returns the pass-phrase that OpenSSL asks for.
class passphrase
{
public:
    explicit passphrase(secret_provider const& ask) : ask_(ask) {}

    static int response(char* into, int size, int /*writing*/, void* self) noexcept
    {
        return static_cast<passphrase*>(self)->give(into, static_cast<std::size_t>(size));
    }

    [[nodiscard]] bool asked() const noexcept { return asked_; }
    // Why there was none to give; empty: there was.
    [[nodiscard]] std::string const& fault() const noexcept { return fault_; }

private:
    int give(char* into, std::size_t size) noexcept
    {
        asked_ = true;
        if (!ask_)
            return -1;
        try
        {
            fault_ = "its function threw an exception";
            auto const given = ask_();
            if (given && given->size() <= size)
            {
                fault_.clear();
                if (!given->empty())
                    std::memcpy(into, given->view().data(), given->size());
                return static_cast<int>(given->size());
            }
            fault_ = given ? "it is longer than " + std::to_string(size) + " bytes"
                           : given.error().message();
        }
        catch (...)
        {
            return -1;
        }
        return -1;
    }

    secret_provider const& ask_;
    bool asked_ = false;
    std::string fault_;
};

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

// Why it cannot be read, from its text alone.
error describe(std::string_view text, std::string const& what)
{
    if (contains(text, "PRIVATE KEY-----"))
        return pem_error(what + " holds a private key that cannot be read; give the whole of it");
    if (contains(text, "PUBLIC KEY-----") || contains(text, "BEGIN CERTIFICATE-----"))
        return pem_error(what + " holds a public key or a certificate alone; give the private key");
    return pem_error(
        what + " holds no PEM private key; it must contain -----BEGIN PRIVATE KEY-----");
}

} // namespace

error pem_error(std::string context)
{
    throw_if_lacked_memory();
    return detail::config_error(std::move(context));
}

result<secret> read_file(std::string const& path, std::string const& what)
{
    forget_failures();
    std::unique_ptr<std::FILE, closing> const file(std::fopen(path.c_str(), "rbe"));
    if (!file)
        return pem_error(what + " cannot be read; give the path of a PEM file");
    // Nothing of it stays in a buffer of the library.
    (void)std::setvbuf(file.get(), nullptr, _IONBF, 0);
    std::vector<char, wiping_allocator<char>> text(longest_file + 1);
    auto const size = std::fread(text.data(), 1, text.size(), file.get());
    secret read(std::string_view(text.data(), size));
    if (std::ferror(file.get()) != 0)
        return pem_error(what + " cannot be read; give the path of a PEM file");
    if (size == 0 || size > longest_file)
        return pem_error(what + " is empty or larger than 1 MiB; give the path of a PEM file");
    return read;
}

openssl_ptr<BIO> memory_bio(std::string_view text)
{
    return openssl_ptr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

result<openssl_ptr<EVP_PKEY>> read_key(
    std::string_view text, secret_provider const& ask, std::string const& what,
    std::string_view giver)
{
    forget_failures();
    auto const bio = memory_bio(text);
    passphrase phrase(ask);
    openssl_ptr<EVP_PKEY> key(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, passphrase::response, &phrase) : nullptr);
    if (key)
    {
        ERR_clear_error();
        return key;
    }
    if (!phrase.fault().empty())
        return pem_error(what + ": the pass-phrase cannot be had: " + phrase.fault());
    if (phrase.asked() && !ask)
        return pem_error(what + " is encrypted; give " + std::string(giver));
    if (phrase.asked())
        return pem_error(what + " is not opened by the pass-phrase; check " + std::string(giver));
    return describe(text, what);
}

} // namespace coauth::pem
