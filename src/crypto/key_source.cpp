#include "crypto/key_source.hpp"

#include "values/signing_key_data.hpp"

#include <utility>

namespace coauth::crypto
{
namespace
{

detail::watched_files files_of(signing_key const& source)
{
    auto const& data = detail::signing_key_access::data(source);
    std::vector<std::string> paths;
    if (data)
        paths = {data->path, data->certificate_path};
    return detail::watched_files(std::move(paths));
}

bool is_same(private_key const& a, private_key const& b)
{
    return !a.signer() && !b.signer() && a.thumbprint() == b.thumbprint() &&
           a.certificate_thumbprint() == b.certificate_thumbprint() && a.key_id() == b.key_id() &&
           a.certificate_x5c() == b.certificate_x5c() && a.algorithms() == b.algorithms();
}

} // namespace

key_source::key_source(signing_key source, std::string subject)
    : source_(std::move(source))
    , subject_(std::move(subject))
    , key_(files_of(source_))
{
    (void)current();
}

result<key_source::key_ptr> key_source::current(clock::time_point now)
{
    auto latest = key_.current(
        [&](key_ptr const& previous) -> result<key_ptr>
        {
            auto loaded = private_key::load(source_, subject_, std::chrono::system_clock::now());
            return loaded && previous && is_same(**loaded, *previous) ? result<key_ptr>(previous)
                                                                      : std::move(loaded);
        });
    return last_good_.update(std::move(latest), now);
}

} // namespace coauth::crypto
