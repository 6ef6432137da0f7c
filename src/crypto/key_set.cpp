#include "crypto/key_set.hpp"

#include "crypto/jwk.hpp"
#include "crypto/pem.hpp"
#include "crypto/verify_signature.hpp"
#include "values/json_document.hpp"

#include <algorithm>
#include <utility>

namespace coauth::crypto
{
namespace
{

// More would make a signature without a key id expensive.
constexpr std::size_t max_keys = 100;

std::string_view member_text(detail::json_document const& jwk, std::string_view name)
{
    return jwk.find(name).as_string().value_or(std::string_view());
}

} // namespace

result<std::shared_ptr<key_set const>>
key_set::parse(std::string_view text, std::string const& subject)
{
    auto const document = detail::json_document::parse(text);
    auto const members = document ? document->find("keys").as_objects() : std::nullopt;
    if (!members)
        return pem_error(
            subject + " is no JSON Web Key Set; give the document at the server's jwks_uri");
    if (members->size() > max_keys)
        return pem_error(subject + " has more than 100 keys");
    auto set = std::make_shared<key_set>();
    for (auto const& member : *members)
    {
        auto const jwk = detail::json_document::parse(member.view());
        auto const use = jwk ? member_text(*jwk, "use") : std::string_view();
        auto key = jwk && (use.empty() || use == "sig") ? read_public_jwk(*jwk) : nullptr;
        if (key)
            set->keys_.push_back(
                {std::move(key), std::string(member_text(*jwk, "kid")),
                 parse_signature_algorithm(member_text(*jwk, "alg"))});
    }
    if (set->keys_.empty())
        return pem_error(
            subject + " has no public key for signatures of the type RSA, EC or OKP (Ed25519)");
    return std::shared_ptr<key_set const>(std::move(set));
}

bool key_set::verifies(
    signature_algorithm algorithm, std::string_view key_id, std::string_view text,
    std::string_view signature) const
{
    return std::any_of(
        keys_.begin(), keys_.end(),
        [&](entry const& one)
        {
            bool const is_wanted = key_id.empty() || one.id == key_id;
            return is_wanted && one.algorithm.value_or(algorithm) == algorithm &&
                   verify_signature(one.key.get(), algorithm, text, signature);
        });
}

bool key_set::has_key(std::string_view key_id) const noexcept
{
    return std::any_of(
        keys_.begin(), keys_.end(), [&](entry const& one) { return one.id == key_id; });
}

key_set_source::key_set_source(std::string text, std::string path, std::string subject)
    : text_(std::move(text))
    , path_(std::move(path))
    , subject_(std::move(subject))
    , set_(detail::watched_files({path_}))
{
}

result<key_set_source::set_ptr> key_set_source::current(clock::time_point now)
{
    return last_good_.update(set_.current([this](set_ptr const&) { return load(); }), now);
}

result<key_set_source::set_ptr> key_set_source::load() const
{
    if (path_.empty())
        return key_set::parse(text_, subject_);
    auto const contents = detail::watched_file(
                              path_, {.subject = subject_,
                                      .advice = "give the path of a JSON Web Key Set",
                                      .may_be_utf16 = false})
                              .read();
    if (!contents)
        return contents.error();
    return key_set::parse(contents->text.view(), subject_ + " '" + path_ + "'");
}

} // namespace coauth::crypto
