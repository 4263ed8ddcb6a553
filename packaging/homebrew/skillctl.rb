# The Homebrew formula. `url` and `sha256` are set for each release by the release workflow.
class Skillctl < Formula
  desc "Test Box Custom Skills on your own machine"
  homepage "https://crates.io/crates/box-skillctl"
  url "https://static.crates.io/crates/box-skillctl/box-skillctl-VERSION.crate"
  sha256 "SHA256"
  license "MIT"

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    generate_completions_from_executable(bin/"skillctl", "completions")
    (buildpath/"man").mkpath
    system bin/"skillctl", "man", "--dir", buildpath/"man"
    man1.install Dir["man/*.1"]
  end

  test do
    (testpath/"notes.txt").write("Anna: Good morning.\n")
    system bin/"skillctl", "event", "new", "notes.txt", "--case", "cases/notes"
    system bin/"skillctl", "replay", "--sample-skill", "cases"
  end
end
