#include "net/certificate_index.hpp"

#include "crypto/openssl_error.hpp"
#include "crypto/pem_bundle.hpp"
#include "net/trust_pem.hpp"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace coauth::net
{
namespace
{

using crypto::openssl_ptr;

// Reads elements of DER.
class der_reader
{
public:
    der_reader(unsigned char const* begin, std::size_t size) : at_(begin), end_(begin + size) {}

    // Skips the head of a sequence; the reader is within it then.
    bool enter_sequence() { return read_head() && tag_ == V_ASN1_SEQUENCE; }
    // Skips an element.
    bool skip()
    {
        if (!read_head())
            return false;
        at_ += length_;
        return true;
    }
    // Skips the element with this context-specific tag, if it is there.
    bool skip_optional(int tag)
    {
        auto const before = at_;
        if (!read_head())
            return false;
        at_ = tag_ == tag && class_ == V_ASN1_CONTEXT_SPECIFIC ? at_ + length_ : before;
        return true;
    }
    [[nodiscard]] unsigned char const* position() const noexcept { return at_; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

private:
    bool read_head()
    {
        int const kind = ASN1_get_object(&at_, &length_, &tag_, &class_, end_ - at_);
        constexpr int error = 0x80;
        constexpr int indefinite_length = 0x01;
        return (kind & (error | indefinite_length)) == 0 && length_ <= end_ - at_;
    }

    unsigned char const* at_;
    unsigned char const* end_;
    long length_ = 0;
    int tag_ = 0;
    int class_ = 0;
};

// The subject of a certificate (RFC 5280 section 4.1); null: it cannot be found.
openssl_ptr<X509_NAME> subject_of(std::vector<unsigned char> const& certificate)
{
    der_reader reader(certificate.data(), certificate.size());
    constexpr int version_tag = 0;
    // Serial number, signature algorithm, issuer and validity are before it.
    bool const found = reader.enter_sequence() && reader.enter_sequence() &&
                       reader.skip_optional(version_tag) && reader.skip() && reader.skip() &&
                       reader.skip() && reader.skip();
    if (!found)
        return nullptr;
    auto const* at = reader.position();
    return openssl_ptr<X509_NAME>(d2i_X509_NAME(nullptr, &at, static_cast<long>(reader.left())));
}

// The bytes of base64 without white space; empty: it is damaged. PEM_read_bio takes longer.
std::vector<unsigned char> decode(std::string const& base64)
{
    auto const padding = base64.size() - (base64.find_last_not_of('=') + 1);
    std::vector<unsigned char> bytes(base64.size() / 4 * 3);
    int const size = EVP_DecodeBlock(
        bytes.data(), reinterpret_cast<unsigned char const*>(base64.data()),
        static_cast<int>(base64.size()));
    // It takes "=" for a digit.
    if (padding > 2 || base64.find('=') < base64.size() - padding ||
        size != static_cast<int>(bytes.size()))
        return {};
    bytes.resize(bytes.size() - padding);
    return bytes;
}

// The certificates of a bundle, each of which is parsed when it is first needed. OpenSSL calls it
// from the threads that verify certificates.
class certificate_index
{
public:
    void add(openssl_ptr<X509_NAME> subject, std::vector<unsigned char> certificate)
    {
        entries_.push_back({std::move(subject), std::move(certificate), nullptr});
    }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    // Adds the certificates with this subject to the store. Returns one of them, which the store
    // owns; null: there is none.
    X509* load(X509_STORE* store, X509_NAME const* subject)
    {
        X509* found = nullptr;
        std::lock_guard const lock(mutex_);
        for (auto& one : entries_)
            if (X509_NAME_cmp(one.subject.get(), subject) == 0 && (one.parsed || parse(one, store)))
                found = one.parsed.get();
        return found;
    }

private:
    struct entry
    {
        openssl_ptr<X509_NAME> subject;
        std::vector<unsigned char> certificate;
        // Null: not yet.
        openssl_ptr<X509> parsed;
    };

    // A failure leaves the entry as it was.
    static bool parse(entry& one, X509_STORE* store)
    {
        auto const* at = one.certificate.data();
        openssl_ptr<X509> parsed(d2i_X509(nullptr, &at, static_cast<long>(one.certificate.size())));
        // OpenSSL reads extensions later, and then takes a lack of memory for a bad certificate.
        if (!parsed || X509_check_purpose(parsed.get(), -1, 0) != 1 ||
            X509_STORE_add_cert(store, parsed.get()) != 1)
            return false;
        one.parsed = std::move(parsed);
        one.certificate = {};
        return true;
    }

    std::mutex mutex_;
    std::vector<entry> entries_;
};

void free_index(X509_LOOKUP* lookup)
{
    delete static_cast<certificate_index*>(X509_LOOKUP_get_method_data(lookup));
}

int find_by_subject(
    X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, X509_NAME const* subject, X509_OBJECT* found)
{
    auto* const index = static_cast<certificate_index*>(X509_LOOKUP_get_method_data(lookup));
    if (type != X509_LU_X509 || index == nullptr || subject == nullptr)
        return 0;
    X509* const certificate = index->load(X509_LOOKUP_get_store(lookup), subject);
    if (certificate == nullptr || X509_OBJECT_set1_X509(found, certificate) != 1)
        return 0;
    // The caller expects a reference that the store owns.
    X509_free(certificate);
    return 1;
}

X509_LOOKUP_METHOD* index_method()
{
    auto const make = []
    {
        auto* const method = X509_LOOKUP_meth_new("coauth certificate index");
        if (method == nullptr || X509_LOOKUP_meth_set_free(method, free_index) != 1 ||
            X509_LOOKUP_meth_set_get_by_subject(method, find_by_subject) != 1)
            throw std::bad_alloc();
        return method;
    };
    // Never freed: stores use it while the process exits.
    static X509_LOOKUP_METHOD* const method = make();
    return method;
}

} // namespace

result<bool> index_certificates(X509_STORE* store, std::string_view pem, std::string const& name)
{
    auto const blocks = crypto::split_pem(pem, name);
    if (!blocks)
        return blocks.error();
    auto index = std::make_unique<certificate_index>();
    for (auto const& block : *blocks)
    {
        bool const is_trusted = block.label == PEM_STRING_X509_TRUSTED;
        if (!is_trusted && block.label != PEM_STRING_X509 && block.label != PEM_STRING_X509_OLD)
            continue;
        crypto::clear_errors();
        auto certificate = is_trusted ? std::vector<unsigned char>() : decode(block.base64);
        auto subject = subject_of(certificate);
        crypto::throw_if_out_of_memory();
        // A damaged block, or one with settings of its own.
        if (!subject)
            return add_certificates(store, pem, name);
        index->add(std::move(subject), std::move(certificate));
    }
    if (index->empty())
        return false;
    auto* const lookup = X509_STORE_add_lookup(store, index_method());
    if (lookup == nullptr || X509_LOOKUP_set_method_data(lookup, index.get()) != 1)
        throw std::bad_alloc();
    (void)index.release();
    return true;
}

} // namespace coauth::net
