import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** The JVM's HTTP clients: java Clients NAME URL sends a GET and prints the status. */
public class Clients {
  public static void main(String[] arguments) throws Exception {
    URI url = URI.create(arguments[1]);
    System.out.println(
        switch (arguments[0]) {
          case "http-client" -> HttpClient.newHttpClient()
              .send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.discarding())
              .statusCode();
          case "url-connection" -> ((HttpURLConnection) url.toURL().openConnection()).getResponseCode();
          default -> throw new IllegalArgumentException(arguments[0]);
        });
  }
}
