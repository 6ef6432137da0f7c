// Runs a target on every file of a corpus and on every prefix of it, without libFuzzer.

#include "fuzz.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

namespace
{

std::size_t replay(std::filesystem::path const& file)
{
    std::ifstream in(file, std::ios::binary);
    std::string const bytes(std::istreambuf_iterator<char>(in), {});
    for (std::size_t size = 0; size <= bytes.size(); ++size)
    {
        // Storage of the exact size, so that a sanitizer notices reads beyond it.
        std::vector<std::uint8_t> const part(
            bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        LLVMFuzzerTestOneInput(part.data(), part.size());
    }
    return bytes.size() + 1;
}

} // namespace

int main(int argc, char** argv)
{
    std::size_t files = 0;
    std::size_t runs = 0;
    for (int i = 1; i < argc; ++i)
        for (auto const& entry : std::filesystem::directory_iterator(argv[i]))
            if (!entry.path().filename().string().starts_with('.'))
            {
                // The last printed name shows the input that fails.
                std::cout << entry.path().filename().string() << std::endl;
                runs += replay(entry.path());
                ++files;
            }
    std::cout << files << " files, " << runs << " runs" << std::endl;
    return files == 0 ? 1 : 0;
}
